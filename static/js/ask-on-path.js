// Shows only the questions that the answers so far lead to, as the server decides when they are sent: <form
// data-path='[["q1", [[[0, 1, 2], "q3"], [[3], null]]], …]'>, each question with its rules. Without this file all stand there.
for (const form of document.querySelectorAll("form[data-path]")) {
  const steps = JSON.parse(form.dataset.path);
  const places = new Map(steps.map(([name], place) => [name, place]));

  const asked = () => {
    const data = new FormData(form), path = new Set();
    for (let place = 0; place < steps.length;) {
      const [name, rules] = steps[place];
      const given = data.getAll(name).map(Number);
      const rule = rules.find(([answers]) => answers.some((answer) => given.includes(answer)));
      path.add(name);
      if (rule && rule[1] === null) break;
      place = Math.max(place + 1, rule ? places.get(rule[1]) ?? 0 : 0);
    }
    return path;
  };
  const show = () => {
    const path = asked();
    for (const [name] of steps) form.querySelector(`[name="${name}"]`).closest(".question").hidden = !path.has(name);
  };
  for (const told of form.querySelectorAll("[data-skips]")) told.remove();
  form.addEventListener("input", show);
  addEventListener("pageshow", show); // what the browser filled in again when one goes back
  show();
}
