/* The reference of one dialect at a time: the document of all operations would be slow to draw. */
"use strict";
const dialects = ["pcx", "vaultspay", "fincode", "platform"];
const asked = new URLSearchParams(location.search).get("api");
const dialect = dialects.includes(asked) ? asked : dialects[0];
const address = `/openapi/${dialect}.json`;

/* Who may call, and the numbered behaviour: they stand in the contract, and belong under the summary. */
function describe(operation) {
  const roles = operation["x-roles"] || [];
  const who = roles.length === 0 ? "Needs no credential." : roles.includes("any")
    ? "Any authenticated caller." : `Roles: ${roles.map((role) => `\`${role}\``).join(", ")}.`;
  const rules = (operation["x-rules"] || []).map((rule, index) => `${index + 1}. ${rule}`);
  const absent = operation["x-implemented"] === false ? "**Not implemented yet: answers 501.**" : "";
  operation.description = [absent, operation.description, who, rules.join("\n")].filter(Boolean).join("\n\n");
}

async function draw() {
  const reply = await fetch(address);
  const description = await reply.json();
  for (const item of Object.values(description.paths))
    for (const method of ["get", "post", "put", "patch", "delete"])
      if (item[method]) describe(item[method]);
  Redoc.init(description, {
    scrollYOffset: "nav",
    hideDownloadButton: true,
    nativeScrollbars: true,
    requiredPropsFirst: true,
    pathInMiddlePanel: true,
    theme: {
      typography: {
        fontFamily: "system-ui, sans-serif", headings: { fontFamily: "system-ui, sans-serif" },
      },
    },
  }, document.getElementById("reference"));
}

document.querySelector(`[data-api="${dialect}"]`).setAttribute("aria-current", "page");
document.querySelector("[data-raw]").href = address;
draw().catch((problem) => {
  document.getElementById("reference").textContent = `The reference cannot be shown: ${problem.message}`;
});
