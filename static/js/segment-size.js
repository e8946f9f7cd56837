// Says how many customers the filters are for, a moment after the last change. The button says the same without it.
(() => {
  "use strict";
  const form = document.querySelector("form[data-count]");
  const size = document.getElementById("size");
  if (!form || !size) return;
  let timer = 0;
  let asking = null;

  const ask = async () => {
    if (asking) asking.abort();
    const mine = (asking = new AbortController());
    size.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(form.dataset.count, { method: "POST", body: new FormData(form), signal: mine.signal });
      if (answer.ok) size.textContent = (await answer.json()).size;
    } catch (error) {
      if (error.name !== "AbortError") size.textContent = "–";
    }
    if (mine === asking) size.removeAttribute("aria-busy");
  };
  form.addEventListener("input", (event) => {
    if (event.target.name.startsWith("new-") || !event.target.closest(".bo-condition")) return;
    clearTimeout(timer);
    timer = setTimeout(ask, 500);
  });
  if (form.querySelector(".bo-condition")) ask();
})();
