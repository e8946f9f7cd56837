// A page's chart: bars, and a line on an axis of its own. Its numbers are in a JSON block beside it, and in a table for
// who cannot see it.
(() => {
  "use strict";
  const box = document.querySelector("[data-chart]");
  if (!box || typeof Chart === "undefined") return;
  const data = JSON.parse(document.getElementById(box.dataset.chart).textContent);
  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;

  const bars = data.bars.map((one) => ({ type: "bar", ...one, yAxisID: "y", stack: "bars", borderRadius: 3, maxBarThickness: 22 }));
  const line = data.line && { type: "line", ...data.line, yAxisID: "line", cubicInterpolationMode: "monotone", pointRadius: 2, borderWidth: 2 };
  const axis = (position, grid) => ({ position, beginAtZero: true, ticks: { precision: 0, maxTicksLimit: 6 }, grid: { drawOnChartArea: grid }, border: { display: false } });
  const dress = () => {
    bars.forEach((one, number) => { one.backgroundColor = color(number ? "--bo-chart-out" : "--color-primary-400"); });
    if (line) line.borderColor = line.backgroundColor = line.pointBackgroundColor = "#e0a02f";
  };
  dress();
  const chart = new Chart(box.querySelector("canvas"), {
    data: { labels: data.days, datasets: line ? [line, ...bars] : bars },
    options: {
      maintainAspectRatio: false,
      animation: calm ? false : { duration: 300 },
      interaction: { mode: "index", intersect: false },
      scales: {
        x: { grid: { display: false }, ticks: { maxRotation: 0, autoSkipPadding: 16 } },
        y: axis("left", true),
        ...(line ? { line: axis("right", false) } : {}),
      },
      plugins: { legend: { display: Boolean(line), position: "bottom", labels: { usePointStyle: true, boxHeight: 7 } } },
    },
  });

  const paint = () => {
    dress();
    chart.options.color = color("--bo-soft");
    for (const scale of Object.values(chart.options.scales)) {
      scale.ticks.color = color("--bo-soft");
      if (scale.grid) scale.grid.color = color("--bo-line");
    }
    chart.update();
  };
  paint();
  new MutationObserver(paint).observe(document.documentElement, { attributeFilter: ["class"] });
})();
