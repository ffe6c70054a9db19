/* The reference of one dialect at a time: the document of all 428 operations would be slow to draw. */
"use strict";
const dialects = ["pcx", "vaultspay", "fincode", "platform"];
const asked = new URLSearchParams(location.search).get("api");
const dialect = dialects.includes(asked) ? asked : dialects[0];
const description = `/openapi/${dialect}.json`;

document.querySelector(`[data-api="${dialect}"]`).setAttribute("aria-current", "page");
document.querySelector("[data-raw]").href = description;

Redoc.init(description, {
  scrollYOffset: "nav",
  hideDownloadButton: true,
  nativeScrollbars: true,
  sortPropsAlphabetically: false,
  requiredPropsFirst: true,
  pathInMiddlePanel: true,
  theme: { typography: { fontFamily: "system-ui, sans-serif", headings: { fontFamily: "system-ui, sans-serif" } } },
}, document.getElementById("reference"));
