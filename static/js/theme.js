// Loaded early in <head>: tells Bootstrap which of its two palettes the system asks for, before the first paint.
// Our own colors follow the same media query in CSS, so the page is right without this file too, save small details.
(() => {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    document.documentElement.dataset.bsTheme = dark.matches ? "dark" : "light";
  };
  apply();
  dark.addEventListener("change", apply);
})();
