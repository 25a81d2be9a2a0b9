// Counts down what the page says in words; without it the words are those of the moment when it was
// loaded. The seconds that are left are the server's, and what has gone since is measured from the
// loading of the page: what this machine takes for the time of day has no part in it. It asks the server
// for nothing: each request is a use that keeps a session alive.
"use strict";
const ends = [...document.querySelectorAll("[data-left]")];
const words = (left) => {
  if (left <= 0) return "ended";
  const [hours, minutes, secs] = [Math.floor(left / 3600), Math.floor(left / 60) % 60, left % 60];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${secs} s` : `${secs} s`;
};
const tick = () => {
  const gone = Math.floor(performance.now() / 1000);
  for (const it of ends) it.textContent = words(Number(it.dataset.left) - gone);
};
tick();
setInterval(tick, 1000);
