// Every text that is seen on less than 4.5 times its own brightness, or more: [ratio, what].
const bend = (v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
const measure = (text) => {
  const [r, g, b] = text.match(/[0-9.]+/g).map((v) => bend(v / 255));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const findGround = (element) => {
  for (; element; element = element.parentElement) {
    const colour = getComputedStyle(element).backgroundColor;
    if (!colour.endsWith(", 0)")) return colour;
  }
  return "rgb(255, 255, 255)";
};
return [...document.querySelectorAll("h1, h2, p, button, td, th, label, a, code, output, span, small")]
  .filter((e) => e.checkVisibility() && e.textContent.trim() && !e.disabled && !e.closest("#tip"))
  .map((e) => {
    const [high, low] = [getComputedStyle(e).color, findGround(e)].map(measure).sort((a, b) => b - a);
    return [(high + 0.05) / (low + 0.05), `${e.tagName} ${e.className} ${e.textContent.trim().slice(0, 30)}`];
  })
  .filter(([ratio, what]) => ratio < 4.5 && !what.includes("×"));
