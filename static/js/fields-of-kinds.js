// Shows of a row only the fields that its kind has: <select data-has='{"TEXT": [], "NPS": ["skip_lines"]}'>. What is filled
// stays to be seen, so that nothing is refused that nobody sees. Without this file all fields are there.
document.addEventListener("DOMContentLoaded", () => {
  const show = (select) => {
    const has = JSON.parse(select.dataset.has), every = new Set(Object.values(has).flat());
    const row = select.closest(".form-group");
    for (const name of every) {
      const cell = row?.querySelector(`.field-${name}`);
      if (!cell) continue;
      const isEmpty = [...cell.querySelectorAll("input, textarea")].every((field) => !field.value);
      const hides = isEmpty && select.value in has && !has[select.value].includes(name);
      for (const part of cell.children) part.hidden = hides;
      cell.classList.toggle("bo-empty", hides);
    }
  };
  const showAll = () => document.querySelectorAll("select[data-has]").forEach(show);
  showAll();
  document.addEventListener("change", (event) => { if (event.target.matches?.("select[data-has]")) show(event.target); });
  document.addEventListener("formset:added", showAll);
});
