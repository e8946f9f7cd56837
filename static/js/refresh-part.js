// Keeps a part of the page up to date: <section id="far" data-refreshes="3" data-state="SENDING"> is fetched again every so
// many seconds, less often where the page is slow, as long as it says so. In another state the whole page is loaded anew,
// since other buttons belong to it, unless somebody is filling in a form. Without this file the page is loaded by hand.
const watch = (part) => {
  const again = (after) => setTimeout(refresh, after);
  const refresh = async () => {
    if (document.hidden || part.contains(document.activeElement)) return again(1000 * part.dataset.refreshes);
    const began = performance.now();
    let fresh = null;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      const text = answer.ok ? await answer.text() : "";
      fresh = new DOMParser().parseFromString(text, "text/html").getElementById(part.id);
    } catch { /* no network: later */ }
    if (fresh && fresh.dataset.state !== part.dataset.state && !document.activeElement?.closest("form")) {
      return location.reload();
    }
    if (fresh) {
      part.replaceWith(fresh);
      part = fresh;
    }
    if (part.dataset.refreshes) again(Math.max(1000 * part.dataset.refreshes, 10 * (performance.now() - began)));
  };
  again(1000 * part.dataset.refreshes);
};
document.querySelectorAll("[data-refreshes]").forEach(watch);
