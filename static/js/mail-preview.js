// Shows a mail, or a page, while it is typed, as a phone does: <div data-mail-preview="address that takes the form"> answers
// {"problem": "…"} or {"mails": {"en": "<!doctype html>…"}}, of mails with {"heads": {"en": {"sender": "…", "subject": "…"}}}.
document.addEventListener("DOMContentLoaded", () => {
  for (const preview of document.querySelectorAll("[data-mail-preview]")) {
    const form = preview.closest("form");
    preview.hidden = false;
    const problem = preview.querySelector("[data-problem]");
    let waiting, turn = 0;
    const show = async () => {
      const mine = ++turn;
      const answer = await fetch(preview.dataset.mailPreview, { method: "POST", body: new FormData(form) });
      if (!answer.ok || mine !== turn) return;
      const told = await answer.json();
      problem.textContent = told.problem || "";
      problem.hidden = !told.problem;
      for (const head of preview.querySelectorAll("[data-head]")) {
        const said = told.heads?.[head.dataset.head];
        if (!said) continue;
        head.querySelector("[data-sender]").textContent = said.sender;
        head.querySelector("[data-subject]").textContent = said.subject;
        head.hidden = false;
      }
      for (const frame of preview.querySelectorAll("iframe")) {
        const page = told.mails?.[frame.dataset.language]?.replace(/<script\b[^>]*><\/script>/g, ""); // they may not run there
        if (page && page !== frame.srcdoc) frame.srcdoc = page;
      }
    };
    const later = () => { clearTimeout(waiting); waiting = setTimeout(show, 250); };
    form.addEventListener("input", later);
    window.django?.jQuery?.(form).on("change", later); // its selects tell nobody else
    show();
  }
});
