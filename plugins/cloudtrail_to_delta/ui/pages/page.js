(() => {
  // Airflow shows a plugin's page in a frame, which must not open or leave a window. So the outer document follows
  // the links that lead out of these pages. It is Airflow's own, and has the same origin.
  const root = document.documentElement;
  let outer = null;
  try { outer = window.parent === window ? null : window.parent.document; } catch { outer = null; }
  const theme = () => {
    let name = null;
    if (outer) {
      name = ["dark", "light"].find((one) => outer.documentElement.classList.contains(one));
    } else {
      try { name = ["dark", "light"].find((one) => localStorage.getItem("theme") === one); } catch { name = null; }
    }
    if (name) { root.dataset.theme = name; } else { delete root.dataset.theme; }
  };
  theme();
  if (!outer) { return; }
  new MutationObserver(theme).observe(outer.documentElement, { attributes: true, attributeFilter: ["class"] });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-leave]");
    if (!link) { return; }
    event.preventDefault();
    const copy = outer.createElement("a");
    copy.href = link.href;
    copy.rel = "noopener noreferrer";
    if (link.target) { copy.target = link.target; }
    outer.body.append(copy);
    copy.click();
    copy.remove();
  });
})();
