// Keeps what makes no sense yet out of sight: <form data-show-after="60">, in seconds. Without this file it is there at once.
for (const element of document.querySelectorAll("[data-show-after]")) {
  const seconds = Number(element.dataset.showAfter);
  if (seconds > 0) {
    element.hidden = true;
    setTimeout(() => { element.hidden = false; }, seconds * 1000);
  }
}
