// What the theme leaves out for readers who use a keyboard or a screen reader.
(() => {
  const name = (selector, label) =>
    document.querySelector(selector)?.setAttribute("aria-label", label);
  name("aside.sidebar-drawer", "Site");
  name("aside.toc-drawer", "On this page");

  // What is wider than its box must be reachable by keyboard, to scroll it.
  const reach = () => {
    for (const box of document.querySelectorAll("pre, .table-wrapper")) {
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  };
  reach();
  addEventListener("resize", reach);
  document.addEventListener("toggle", reach, true); // folded code has no width before
})();
