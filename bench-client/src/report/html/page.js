// Tooltips without delay: the <title> of a mark under the pointer, shown beside it.
(() => {
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  document.body.append(tip);
  for (const title of document.querySelectorAll("svg title")) {
    const mark = title.parentElement;
    mark.dataset.tip = title.textContent;
    mark.setAttribute("aria-label", title.textContent);
    title.remove();
  }
  document.addEventListener("pointermove", (event) => {
    const mark = event.target.closest ? event.target.closest("[data-tip]") : null;
    tip.hidden = !mark;
    if (!mark) return;
    tip.textContent = mark.dataset.tip;
    const { clientWidth: width, clientHeight: height } = document.documentElement;
    const x = event.clientX + 14 + tip.offsetWidth > width
      ? event.clientX - 14 - tip.offsetWidth : event.clientX + 14;
    const y = Math.min(event.clientY + 14, height - tip.offsetHeight - 8);
    tip.style.transform = `translate(${Math.max(8, x)}px, ${y}px)`;
  });
})();
