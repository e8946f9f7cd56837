// What the theme leaves to who can see: for everybody who has the page read out.
addEventListener("load", () => {
  // Fields in which one searches for a row of another list are drawn by select2, later, and do not say what they are for.
  const nameChoices = () => {
    for (const select of document.querySelectorAll("select.select2-hidden-accessible:not([data-named])")) {
      const label = document.querySelector(`label[for="${select.id}"]`);
      if (!label || !select.nextElementSibling) continue;
      select.dataset.named = "";
      label.id ||= `${select.id}-label`;
      for (const part of select.nextElementSibling.querySelectorAll("[role=combobox], [role=textbox], input")) {
        const shown = part.getAttribute("role") === "combobox" ? part.getAttribute("aria-labelledby") : null;
        part.setAttribute("aria-labelledby", shown ? `${label.id} ${shown}` : label.id);
      }
    }
  };
  nameChoices();
  new MutationObserver(nameChoices).observe(document.body, { childList: true, subtree: true });
  // Icons are words in a font of their own: “send” beside “New campaign” would be read out too.
  for (const icon of document.querySelectorAll("a > .material-symbols-outlined, button > .material-symbols-outlined")) {
    if (icon.parentElement.textContent.trim() !== icon.textContent.trim()) icon.setAttribute("aria-hidden", "true");
  }
});
