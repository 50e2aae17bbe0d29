// Keeps the list fresh and shows the mail that the fragment of the address names, by id or by token: without
// a product to lead to, the links of the mails lead here.

const ACCEPT = `mutation Accept($token: String!) {
  invitationAccept(input: { invitation: { token: $token } }) {
    invitation {
      status
      organization {
        name
      }
    }
    userErrors {
      code
      message
    }
  }
}
`;
const REFRESH_MS = 2000;
const NAMES = { QUEUED: "Queued", SENT: "Sent", FAILED: "Failed" };

const element = (id) => document.getElementById(id);
const rows = new Map();
let mails = [];
let latest = "";

async function refresh() {
  try {
    const answer = await fetch("/dev/mailbox/mails.json");
    const text = await answer.text();
    if (!answer.ok) throw new Error(text);
    if (text !== latest) {
      mails = JSON.parse(text);
      latest = text;
      show();
    }
    element("notice").textContent = "";
  } catch {
    element("notice").textContent = "Roster does not answer. Trying again…";
  }
}

async function keepFresh() {
  if (!document.hidden) await refresh();
  setTimeout(keepFresh, REFRESH_MS);
}

function show() {
  const [newest] = mails;
  if (newest && !location.hash) history.replaceState(null, "", `#${newest.id}`);
  element("empty").hidden = mails.length > 0;
  document.querySelector("main").hidden = mails.length === 0;
  const selected = mails.find(({ id, token }) => [`#${id}`, `#${token}`].includes(location.hash));
  showList(selected);
  element("mail").hidden = !selected;
  element("gone").hidden = Boolean(selected);
  if (selected) showMail(selected);
}

/** Rows that stay are not moved, so that they keep the focus. */
function showList(selected) {
  const list = element("mails");
  const kept = new Set(mails.map(({ id }) => id));
  for (const [id, row] of rows) {
    if (kept.has(id)) continue;
    row.remove();
    rows.delete(id);
  }
  mails.forEach((mail, index) => {
    const row = rows.get(mail.id) ?? newRow(mail);
    if (list.children[index] !== row) list.insertBefore(row, list.children[index] ?? null);
    row.querySelector(".to").textContent = mail.to;
    row.querySelector(".subject").textContent = mail.subject;
    setStatus(row.querySelector(".status"), mail, NAMES[mail.status]);
    const link = row.querySelector("a");
    if (mail === selected) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  });
}

function newRow(mail) {
  const row = element("row").content.firstElementChild.cloneNode(true);
  row.querySelector("a").href = `#${mail.id}`;
  setTime(row.querySelector("time"), mail.createdAt, "short");
  rows.set(mail.id, row);
  return row;
}

function showMail(mail) {
  element("subject").textContent = mail.subject;
  element("to").textContent = mail.to;
  element("who").textContent = mail.to;
  element("text").textContent = mail.text;
  element("link").href = mail.acceptUrl;
  element("link").hidden = new URL(mail.acceptUrl).pathname === location.pathname;
  element("graphiql").href = graphiql(mail);
  element("copy").dataset.token = mail.token;
  element("dead").hidden = mail.works;
  setTime(element("created"), mail.createdAt);
  setStatus(element("delivery"), mail, delivery(mail));
  const html = `/dev/mailbox/html/${mail.id}`;
  if (element("html").getAttribute("src") !== html) {
    element("html").setAttribute("src", html);
    element("mail").scrollTop = 0;
    element("copy").textContent = "Copy token";
  }
}

function delivery({ status, sentAt, dueAt, attempts, error }) {
  const tried = attempts === 1 ? "1 attempt" : `${attempts} attempts`;
  if (status === "SENT") return `Sent ${at(sentAt)}`;
  if (status === "FAILED") return attempts === 0 ? `Not sent: ${error}` : `Failed after ${tried}: ${error}`;
  return error ? `Queued, next attempt ${at(dueAt)} after ${tried}: ${error}` : "Queued";
}

function graphiql({ token }) {
  const variables = JSON.stringify({ token }, null, 2);
  return `/graphiql#query=${encodeURIComponent(ACCEPT)}&variables=${encodeURIComponent(variables)}`;
}

function setStatus(target, { status }, text) {
  target.textContent = text;
  target.classList.remove(...Object.keys(NAMES));
  target.classList.add(status);
}

function setTime(target, timestamp, style) {
  target.dateTime = timestamp;
  target.textContent = at(timestamp, style);
}

/** The time, with the date, or when short the date alone, unless that is today's. */
function at(timestamp, style = "medium") {
  const time = new Date(timestamp);
  const isToday = time.toDateString() === new Date().toDateString();
  if (isToday) return time.toLocaleTimeString([], { timeStyle: style });
  return style === "short" ? time.toLocaleDateString() : time.toLocaleString();
}

async function copyToken({ target }) {
  try {
    await navigator.clipboard.writeText(target.dataset.token);
    target.textContent = "Copied";
  } catch {
    // Browsers allow it only over HTTPS and to this machine.
    prompt("Token", target.dataset.token);
  }
}

element("copy").addEventListener("click", copyToken);
addEventListener("hashchange", show);
document.addEventListener("visibilitychange", () => document.hidden || refresh());
keepFresh();
