// Orders rows by buttons, as dragging does: each row of <table data-ordering-field="position"> gets two. The words stand in
// <template id="order-words" data-up data-down data-now>. The places are written when the form is sent, new rows included.
document.addEventListener("DOMContentLoaded", () => {
  const words = document.getElementById("order-words")?.dataset;
  const table = document.querySelector("table[data-ordering-field]");
  if (!words || !table) return;

  const told = document.createElement("p");
  told.className = "sr-only";
  told.setAttribute("role", "status");
  table.after(told);
  const rows = () => [...table.querySelectorAll(":scope > tbody.form-group:not(.empty-form)")];
  const place = (row) => row.querySelector(`input[name$="-${table.dataset.orderingField}"]`);

  const move = (row, step) => {
    const all = rows(), other = all[all.indexOf(row) + step];
    if (!other) return;
    table.insertBefore(row, step < 0 ? other : other.nextElementSibling);
    place(row).dispatchEvent(new Event("input", { bubbles: true })); // the page warns of what is not saved yet
    told.textContent = words.now.replace("%s", rows().indexOf(row) + 1);
  };
  const equip = (row) => {
    if (row.querySelector(".bo-order")) return;
    const order = document.createElement("span");
    order.className = "bo-order";
    for (const [label, sign, step] of [[words.up, "arrow_upward", -1], [words.down, "arrow_downward", 1]]) {
      const button = document.createElement("button");
      button.type = "button";
      button.setAttribute("aria-label", label);
      button.title = label;
      button.innerHTML = `<span class="material-symbols-outlined" aria-hidden="true">${sign}</span>`;
      button.addEventListener("click", () => { move(row, step); button.focus(); });
      order.append(button);
    }
    row.querySelector(".field-kind > div")?.prepend(order);
  };
  rows().forEach(equip);
  document.addEventListener("formset:added", () => rows().forEach(equip));
  table.closest("form").addEventListener("submit", () => {
    rows().forEach((row, index) => {
      const isWritten = [...row.querySelectorAll("select, textarea")].some((field) => field.value);
      if (isWritten) place(row).value = index + 1;
    });
  });
});
