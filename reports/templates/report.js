
"use strict";
(() => {
  const $ = (selector) => document.querySelector(selector);
  const all = (selector) => [...document.querySelectorAll(selector)];
  const form = $("#filter"), search = $("#q"), area = $("#area"), shown = $("#shown"), unfold = $("#unfold");
  const criteria = all(".criterion"), areas = all(".area"), boxes = all("#filter input[type=checkbox]");
  const texts = new Map();
  const text = (one) => {
    if (!texts.has(one)) texts.set(one, one.textContent.toLowerCase());
    return texts.get(one);
  };
  const chosen = (name) => boxes.filter((box) => box.name === name && box.checked).map((box) => box.value);

  function show() {
    const outcomes = chosen("outcome"), severities = chosen("severity");
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const one of criteria) {
      const is = one.dataset;
      const fits = (!outcomes.length || outcomes.some((o) => is.outcome.split(" ").includes(o)))
        && (!severities.length || severities.includes(is.severity))
        && (!area.value || area.value === is.area)
        && words.every((word) => text(one).includes(word));
      one.hidden = !fits;
      count += fits;
    }
    for (const section of areas) section.hidden = !section.querySelector(".criterion:not([hidden])");
    shown.textContent = `${count} of ${criteria.length} criteria shown`;
  }

  // The filter stands in the address, so that it can be handed on: #outcome=failed&severity=critical&q=dns
  function remember() {
    const state = new URLSearchParams();
    for (const name of ["outcome", "severity"]) if (chosen(name).length) state.set(name, chosen(name).join(","));
    if (area.value) state.set("area", area.value);
    if (search.value) state.set("q", search.value);
    const hash = state.toString();
    history.replaceState(null, "", hash ? `#${hash}` : "#");
  }

  function follow() {
    const hash = decodeURIComponent(location.hash.slice(1));
    if (location.hash.includes("=")) {
      const state = new URLSearchParams(location.hash.slice(1));
      for (const box of boxes) box.checked = (state.get(box.name) || "").split(",").includes(box.value);
      area.value = state.get("area") || "";
      search.value = state.get("q") || "";
      show();
      $("#criteria").scrollIntoView();
      return;
    }
    const target = hash && document.getElementById(hash);
    if (!target) return;
    if (target.hidden) clear();
    if (target.classList.contains("criterion")) target.open = true;
    target.scrollIntoView();
  }

  function clear() {
    for (const box of boxes) box.checked = false;
    area.value = search.value = "";
    show();
  }

  function fold(open) {
    for (const one of criteria) one.open = open;
    unfold.setAttribute("aria-pressed", String(open));
    unfold.textContent = open ? "Fold all" : "Unfold all";
  }

  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", () => { show(); remember(); });
  $("#clear").addEventListener("click", () => { clear(); remember(); search.focus(); });
  unfold.addEventListener("click", () => fold(unfold.getAttribute("aria-pressed") !== "true"));
  window.addEventListener("hashchange", follow);
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) {
      event.preventDefault();
      search.focus();
    }
  });
  // On paper nobody can unfold: what somebody must look at is open, and afterwards as it was. What holds is one line.
  let before = [];
  window.addEventListener("beforeprint", () => {
    const asItShould = ["passed", "not_run", "not_applicable"];
    const trouble = criteria.filter((one) => one.dataset.outcome.split(" ").some((o) => !asItShould.includes(o)));
    before = trouble.flatMap((one) => [one, ...one.querySelectorAll("details")]).filter((one) => !one.open);
    for (const one of before) one.open = true;
  });
  window.addEventListener("afterprint", () => { for (const one of before) one.open = false; });
  show();
  follow();
})();
