// Counts down what the page says in words; without it the words are those of the moment when it was
// loaded. It asks the server for nothing: each request is a use that keeps a session alive.
"use strict";
const ends = [...document.querySelectorAll("[data-ends-at]")];
const words = (left) => {
  if (left <= 0) return "ended";
  const [hours, minutes, secs] = [Math.floor(left / 3600), Math.floor(left / 60) % 60, left % 60];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${secs} s` : `${secs} s`;
};
// What counts is the time since the page was loaded: the clock of this computer may be wrong.
const loaded = Date.now();
const tick = () => {
  const since = Math.floor((Date.now() - loaded) / 1000);
  for (const it of ends) it.textContent = words(Number(it.dataset.left) - since);
};
tick();
setInterval(tick, 1000);
