// What makes the till page quick. Every page works without it.
(() => {
  "use strict";

  const isTyping = (element) => element && element.matches("input:not([type=checkbox]):not([type=range]), textarea, select");

  // Keys that the page shows press what shows them; a scanner's text goes into the field that finds, wherever the focus is.
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat || event.isComposing) return;
    const shown = document.querySelector(`[aria-keyshortcuts="${CSS.escape(event.key)}"]`);
    if (shown) {
      event.preventDefault();
      shown.click();
      return;
    }
    const finder = document.querySelector("[data-finder] input");
    if (finder && event.key.length === 1 && event.key !== " " && !isTyping(document.activeElement)) finder.focus();
  });

  // Pressed once is enough. A page that comes back from the browser's memory may be sent again.
  const sent = new Set();
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-once]")) return;
    if (sent.has(event.target)) event.preventDefault();
    sent.add(event.target);
  });
  window.addEventListener("pageshow", () => sent.clear());

  const typeInto = (field, text) => {
    field.value = text;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  };

  for (const pad of document.querySelectorAll("[data-keypad]")) {
    const field = document.getElementById(pad.dataset.keypad);
    pad.hidden = false;
    if (matchMedia("(pointer: coarse)").matches) field.inputMode = "none";
    pad.addEventListener("click", (event) => {
      const key = event.target.closest("[data-key]")?.dataset.key;
      if (!key) return;
      const text = key === "back" ? field.value.slice(0, -1) : field.value + key;
      if (text.length <= field.maxLength) typeInto(field, text);
    });
    // Letters in the amount are a coupon that was scanned.
    field.addEventListener("keydown", (event) => {
      const codes = document.getElementById("id_codes");
      if (event.key !== "Enter" || !codes || !/[a-z]/i.test(field.value)) return;
      event.preventDefault();
      const scanned = /^([\d.,]*?)([A-Z\d-]*[A-Z][A-Z\d-]*)$/i.exec(field.value.trim());
      codes.value = `${codes.value} ${scanned ? scanned[2] : field.value}`.trim();
      typeInto(field, "");
    });
  }

  for (const slider of document.querySelectorAll("[data-slides]")) {
    const field = document.getElementById(slider.dataset.slides);
    slider.hidden = false;
    slider.addEventListener("input", (event) => {
      event.stopPropagation();
      typeInto(field, slider.value);
    });
    field.addEventListener("input", () => { slider.value = field.value || 0; });
  }
})();
