"use strict";

const TITLE = "The shop";

exports.html = () => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>${TITLE}</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 42rem; margin: 3rem auto; padding: 0 1rem; }
  table { border-collapse: collapse; width: 100%; }
  td, th { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #ddd; }
</style>
<h1>${TITLE}</h1>
<form id="order"><input name="item" placeholder="item" required> <input name="quantity" type="number" min="1" value="1">
<button>order</button> <output></output></form>
<table><thead><tr><th>item<th>quantity<th>total<th>made</thead><tbody></tbody></table>
<script>
  const rows = document.querySelector("tbody"), said = document.querySelector("output");
  async function show() {
    const orders = await (await fetch("/orders")).json();
    rows.replaceChildren(...orders.map((order) => {
      const row = document.createElement("tr");
      for (const text of [order.item, order.quantity, (order.total / 100).toFixed(2), order.made])
        row.appendChild(document.createElement("td")).textContent = text;
      return row;
    }));
  }
  document.querySelector("form").onsubmit = async (event) => {
    event.preventDefault();
    const { item, quantity } = Object.fromEntries(new FormData(event.target));
    const reply = await fetch("/orders", { method: "POST", body: JSON.stringify({ item, quantity: Number(quantity) }) });
    said.textContent = reply.ok ? "ordered" : (await reply.json()).error;
  };
  show();
  setInterval(show, 1000);
</script>
`;
