"use strict";
const said = document.getElementById("live");
let source = null;
let asked = 0;

function tell(text) { if (said.textContent !== text) said.textContent = text; }

async function renew() {
  const mine = ++asked;
  let text;
  try {
    const answer = await fetch("/", { cache: "no-store" });
    text = await answer.text();
  } catch (error) {
    tell("No answer; trying again");
    return;
  }
  if (mine !== asked) return;
  const next = new DOMParser().parseFromString(text, "text/html");
  const fresh = next.getElementById("page");
  const old = document.getElementById("page");
  if (!fresh) return;
  const open = [...old.querySelectorAll("details[open]")].map(key);
  const focused = path(document.activeElement);
  const before = old.querySelector(".summary")?.textContent;
  old.replaceWith(fresh);
  document.title = next.title;
  for (const one of fresh.querySelectorAll("details")) one.open = open.includes(key(one));
  focused && find(fresh, focused)?.focus({ preventScroll: true });
  const after = fresh.querySelector(".summary")?.textContent;
  if (after && after !== before) {
    tell("Live: " + after);
    setTimeout(() => said.textContent === "Live: " + after && tell("Live"), 10000);
  } else if (!said.textContent.startsWith("Live")) tell("Live");
}

// A fold is known by what it belongs to.
function key(fold) {
  return fold.querySelector(":scope > [id]")?.id ?? fold.closest("section")?.id ?? "";
}

// What has the focus: a link by where it leads, a fold by what it belongs to.
function path(element) {
  if (!element || element === document.body) return null;
  if (element.tagName === "SUMMARY") return { fold: key(element.parentElement) };
  const target = element.getAttribute("href");
  const place = element.closest("section, nav");
  return target && place ? { target, place: place.id } : null;
}

function find(root, wanted) {
  if (wanted.fold !== undefined) {
    const fold = [...root.querySelectorAll("details")].find((one) => key(one) === wanted.fold);
    return fold?.querySelector("summary");
  }
  const place = wanted.place ? root.querySelector("#" + CSS.escape(wanted.place)) : root;
  return place && [...place.querySelectorAll("a")].find(
    (one) => one.getAttribute("href") === wanted.target);
}

function listen() {
  if (source) return;
  source = new EventSource("/events");
  source.addEventListener("moved", renew);
  source.onerror = () => tell("Not connected; trying again");
}

// A page that nobody sees needs no connection; browsers allow few of them to one place.
function attend() {
  if (document.visibilityState === "visible") return listen();
  source?.close();
  source = null;
}

document.addEventListener("visibilitychange", attend);
attend();
// Running times grow while nothing else happens.
setInterval(() => document.visibilityState === "visible" && renew(), 60000);
