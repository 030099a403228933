// Sets the remembered theme before anything is drawn.
// Without a remembered one, the system's choice holds.
(() => {
  try {
    const theme = localStorage.getItem("nats-dashboard-theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch {
    // Storage may be forbidden: then nothing is remembered.
  }
})();
