// Reads QR codes with the camera where the browser can; elsewhere its button stays hidden.
(() => {
  "use strict";
  const button = document.querySelector("[data-camera]");
  if (!button || !("BarcodeDetector" in window) || !navigator.mediaDevices?.getUserMedia) return;
  const form = button.form;
  const view = form.querySelector("[data-camera-view]");
  const video = view.querySelector("video");
  const says = view.querySelector("[data-camera-says]");
  let stream = null;

  const stop = () => {
    stream?.getTracks().forEach((track) => track.stop());
    stream = null;
    view.hidden = true;
    button.setAttribute("aria-pressed", "false");
  };

  const look = async (detector) => {
    if (!stream) return;
    const [found] = await detector.detect(video).catch(() => []);
    if (!found) {
      setTimeout(look, 150, detector);
      return;
    }
    stop();
    form.elements.q.value = found.rawValue.slice(0, 200);
    form.requestSubmit();
  };

  const start = async () => {
    view.hidden = false;
    button.setAttribute("aria-pressed", "true");
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    } catch {
      says.textContent = says.dataset.refused;
      return;
    }
    video.srcObject = stream;
    await video.play();
    says.textContent = says.dataset.looking;
    look(new BarcodeDetector({ formats: ["qr_code"] }));
  };

  button.hidden = false;
  button.addEventListener("click", () => (stream ? stop() : start()));
  window.addEventListener("pagehide", stop);
})();
