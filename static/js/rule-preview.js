// Says what a rule would do while it is typed: <output data-preview="address that takes the form and answers a sentence">.
document.addEventListener("DOMContentLoaded", () => {
  for (const output of document.querySelectorAll("[data-preview]")) {
    const form = output.closest("form");
    let waiting;
    const show = async () => {
      const answer = await fetch(output.dataset.preview, { method: "POST", body: new FormData(form) });
      if (answer.ok) output.textContent = await answer.text();
    };
    const later = () => { clearTimeout(waiting); waiting = setTimeout(show, 250); };
    form.addEventListener("input", later);
    window.django?.jQuery?.(form).on("change", later); // its selects tell nobody else
    show();
  }
});
