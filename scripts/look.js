// Opens each page of the command line in Chromium at two widths, prints it, and holds it to what a report promises.
// Run by scripts/look.sh, which says how.
"use strict";
const puppeteer = require("puppeteer-core");
const axe = require("axe-core");
const path = require("path");
const url = require("url");

const WIDTHS = [1280, 360];

async function looked(browser, file, width) {
  const page = await browser.newPage();
  // The page's own policy forbids scripts; axe-core is one.
  await page.setBypassCSP(true);
  const address = url.pathToFileURL(file).href;
  const found = [];
  page.on("console", (message) => found.push(`console: ${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => found.push(`page error: ${error.message}`));
  page.on("request", (request) => {
    if (request.url() !== address) found.push(`request: ${request.url()}`);
  });
  await page.setViewport({ width, height: 900 });
  await page.goto(address, { waitUntil: "networkidle0" });
  const name = file.replace(/\.html$/, "");
  await page.screenshot({ path: `${name}-${width}.png`, fullPage: true });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
  if (wide) found.push(`the page is wider than its window of ${width}`);
  if (width === WIDTHS[0]) await page.pdf({ path: `${name}.pdf`, preferCSSPageSize: true, printBackground: true });
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => window.axe.run());
  for (const one of violations) {
    found.push(`axe: ${one.id}: ${one.help}: ${one.nodes.map((node) => node.target.join(" ")).join(", ")}`);
  }
  await page.close();
  return found;
}

// The same page under its own policy, where a blocked style would show as an error on the console.
async function refused(browser, file) {
  const page = await browser.newPage();
  const found = [];
  page.on("console", (message) => found.push(`policy: ${message.text()}`));
  await page.goto(url.pathToFileURL(file).href, { waitUntil: "networkidle0" });
  const styled = await page.evaluate(() => getComputedStyle(document.querySelector("svg path")).fill);
  if (styled !== "none") found.push(`the style sheet is not applied: a path is filled with ${styled}`);
  await page.close();
  return found;
}

(async () => {
  const browser = await puppeteer.launch({ executablePath: process.env.BROWSER, args: ["--no-sandbox"] });
  let faults = 0;
  for (const given of process.argv.slice(2)) {
    const file = path.resolve(given);
    const found = await refused(browser, file);
    for (const width of WIDTHS) found.push(...(await looked(browser, file, width)));
    faults += found.length;
    console.log(`${path.basename(file)}: ${found.length ? found.join("\n  ") : "nothing amiss"}`);
  }
  await browser.close();
  process.exit(faults ? 1 : 0);
})();
