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
const tick = () => {
  const now = Math.floor(Date.now() / 1000);
  for (const it of ends) it.textContent = words(Number(it.dataset.endsAt) - now);
};
tick();
setInterval(tick, 1000);
