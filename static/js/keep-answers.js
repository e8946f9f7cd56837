// Keeps what was answered so far on the server, a moment after each change. Without this file the button beside does it.
for (const form of document.querySelectorAll("form[data-keeps]")) {
  const told = form.querySelector("[data-kept]");
  let timer = 0, changed = false, sent = false;

  const answers = () => {
    const data = new FormData(form);
    data.append("keep", "quietly");
    changed = false;
    clearTimeout(timer);
    return data;
  };
  const keep = async () => {
    const answer = await fetch(location.pathname, { method: "POST", body: answers(), redirect: "manual" }).catch(() => null);
    told.hidden = answer?.status !== 204;
  };
  form.addEventListener("input", () => {
    changed = true;
    clearTimeout(timer);
    timer = setTimeout(keep, 800);
  });
  form.addEventListener("submit", () => { sent = true; clearTimeout(timer); });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden && changed && !sent) navigator.sendBeacon(location.pathname, answers());
  });
}
