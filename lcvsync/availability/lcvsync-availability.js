/*
 * The availability of a product by store, on its page in a PrestaShop shop (lcvsync; docs/availability.md).
 *
 * One line in the theme loads it, with src=".../lcvsync-availability.js" and defer. It reads products/ID.json beside
 * itself and shows the chosen combination, in [data-lcvsync-availability] where the theme has such an element, else
 * below .product-additional-info. With data-lcvsync-mode="data" it shows nothing, and the theme listens to the event
 * "lcvsync:availability" or calls window.lcvsyncAvailability.
 *
 * Rules of this file: text goes into the page as text only; the theme replaces blocks of the page at will, so nothing
 * found there is remembered; a shop without answers from here looks as if this script weren't there.
 */
(function () {
  "use strict";

  if (window.lcvsyncAvailability) {
    return;
  }

  const CONFIGURED_BASE = "";
  const NAME = "lcvsync-availability";
  const script = document.currentScript;
  const options = script ? script.dataset : {};
  const base = findBase();
  const kept = new Map(); // product → promise of its data
  const ownPlaces = new WeakMap(); // page or window → the element that we put there
  const chosen = new Map(); // product → combination that the theme told last
  let connected = false;

  /* Where the files are: beside this script, unless the shop bundles it with others. */
  function findBase() {
    if (options.lcvsyncBase) {
      return options.lcvsyncBase.replace(/\/+$/, "");
    }
    const own = script && script.src.match(/^(.*)\/lcvsync-availability\.js(?:[?#].*)?$/);
    return own ? own[1] : CONFIGURED_BASE;
  }

  // -- what the page says ---------------------------------------------------------------------------------------------

  /* The page, and the windows above it that show other products (quick view). */
  function scopes() {
    return [document.body, ...document.querySelectorAll(".quickview")];
  }

  /* The elements of the page itself, or of a window. */
  function within(scope, selector) {
    const found = Array.from(scope.querySelectorAll(selector));
    return scope === document.body ? found.filter((each) => !each.closest(".quickview, .modal")) : found;
  }

  function productOf(scope) {
    const [input] = within(scope, "#product_page_product_id, #add-to-cart-or-refresh [name='id_product']");
    const named = scope === document.body && scope.className.match(/(?:^|\s)product-id-(\d+)(?:\s|$)/);
    return Number((input && input.value) || (named && named[1])) || 0;
  }

  /* The combination that is shown: what the theme told last, else what it printed; null when neither says. */
  function combinationOf(scope) {
    const product = productOf(scope);
    if (chosen.has(product)) {
      return chosen.get(product);
    }
    const [details] = within(scope, "#product-details[data-product], .js-product-details[data-product]");
    const named = scope.id.match(/^quickview-modal-\d+-(\d+)$/);
    try {
      return toCombination(details ? JSON.parse(details.dataset.product).id_product_attribute : named && named[1]);
    } catch {
      return null;
    }
  }

  function toCombination(value) {
    const number = value === null || value === undefined || value === "" ? NaN : Number(value);
    return Number.isInteger(number) && number >= 0 ? number : null;
  }

  // -- data -------------------------------------------------------------------------------------------------------------

  /* A product's data; null when there is none. A failure of the network isn't kept: the next call tries again. */
  function load(product) {
    const id = Number(product);
    if (!Number.isInteger(id) || id <= 0) {
      return Promise.resolve(null);
    }
    if (!kept.has(id)) {
      const answer = fetch(`${base}/products/${id}.json`, { credentials: "omit" })
        .then((response) => {
          if (!response.ok && response.status !== 404 && response.status !== 410) {
            throw new Error(String(response.status));
          }
          return response.ok ? response.json() : null;
        })
        .then((data) => (data && data.format === 1 ? data : null))
        .catch(() => {
          kept.delete(id);
          return null;
        });
      kept.set(id, answer);
    }
    return kept.get(id);
  }

  function variantOf(data, combination) {
    return (data && data.variants.find((each) => each.combination === combination)) || null;
  }

  // -- showing ----------------------------------------------------------------------------------------------------------

  function make(tag, part, text) {
    const element = document.createElement(tag);
    if (part) {
      element.className = `${NAME}__${part}`;
    }
    if (text !== undefined) {
      element.textContent = text;
    }
    return element;
  }

  function heading(scope, text) {
    const cell = make("th", "", text);
    cell.setAttribute("scope", scope);
    return cell;
  }

  /* The same as the HTML fragment that lcvsync writes, with the variants given. */
  function build(data, variants) {
    const block = make("div");
    block.className = NAME;
    block.dataset.lcvsyncProduct = data.product;
    const table = make("table", "table");
    const head = make("thead");
    const titles = make("tr");
    titles.append(heading("col", data.headings.store), heading("col", data.headings.state));
    head.append(titles);
    table.append(make("caption", "title", data.title), head);
    variants.forEach((variant) => table.append(body(data, variant)));
    block.append(table);
    return block;
  }

  function body(data, variant) {
    const rows = make("tbody");
    rows.dataset.lcvsyncCombination = variant.combination;
    if (variant.name) {
      const row = make("tr", "variant");
      const cell = heading("rowgroup", variant.name);
      cell.setAttribute("colspan", "2");
      row.append(cell);
      rows.append(row);
    }
    data.stores.forEach((store) => rows.append(storeRow(data, variant, store)));
    return rows;
  }

  function storeRow(data, variant, store) {
    const state = variant.states[store.id];
    const quantity = variant.quantities ? variant.quantities[store.id] : 0;
    const row = make("tr", "store");
    row.dataset.lcvsyncStore = store.id;
    const cell = make("td", "state");
    cell.classList.add(`${NAME}__state--${state.replace(/_/g, "-")}`);
    const dot = make("span", "dot");
    dot.setAttribute("aria-hidden", "true");
    cell.append(dot, " ", make("span", "label", data.labels[state]));
    if (quantity) {
      cell.append(" ", make("span", "quantity", `(${quantity})`));
    }
    row.append(heading("row", store.name), cell);
    return row;
  }

  /*
   * Show data in an element: of one combination, or of all with null; nothing for a combination that isn't there.
   * Without data it stays as it is: the server may have put the fragment into it.
   * The element stays and its content changes: screen readers follow a choice of size, but don't announce the first
   * content, which is part of the page.
   */
  function render(element, data, combination) {
    if (!data) {
      return;
    }
    const all = combination === null || combination === undefined;
    const variants = data.variants.filter((each) => all || each.combination === combination);
    setTimeout(() => element.setAttribute("aria-live", "polite"), 100);
    const shown = variants.length ? [build(data, variants)] : [];
    if (element.innerHTML !== shown.map((each) => each.outerHTML).join("")) {
      element.replaceChildren(...shown);
    }
  }

  /* The theme's own places; else ours, put back where it belongs whenever the theme has thrown it away. */
  function places(scope) {
    const theirs = within(scope, `[data-${NAME}]`);
    if (theirs.length || !productOf(scope)) {
      return theirs;
    }
    const [info] = within(scope, ".js-product-additional-info, .product-additional-info");
    const anchor = info || within(scope, "#add-to-cart-or-refresh")[0];
    if (!anchor) {
      return [];
    }
    if (!ownPlaces.has(scope)) {
      ownPlaces.set(scope, make("div", "place"));
    }
    const own = ownPlaces.get(scope);
    if (anchor.nextElementSibling !== own) {
      anchor.after(own);
    }
    return [own];
  }

  function addStylesheet() {
    const name = `${NAME}.css`;
    const there = Array.from(document.querySelectorAll("link[rel~='stylesheet']")).some((each) => each.href.includes(name));
    if (options.lcvsyncStyle !== "none" && !there) {
      const link = make("link");
      link.rel = "stylesheet";
      link.href = `${base}/${name}`;
      document.head.append(link);
    }
  }

  // -- following the page -----------------------------------------------------------------------------------------------

  /* Read and show what the page is about now, then tell whoever listens; a promise of what the page's own event told. */
  function refresh() {
    return Promise.all(scopes().map(refreshScope)).then(([own]) => own);
  }

  function refreshScope(scope) {
    const product = productOf(scope);
    const elements = options.lcvsyncMode === "data" ? [] : places(scope);
    if (elements.length) {
      addStylesheet();
    }
    const done = elements.map((element) => {
      const other = Number(element.getAttribute(`data-${NAME}`)) || product;
      return load(other).then((data) => render(element, data, other === product ? combinationOf(scope) : null));
    });
    return Promise.all(done).then(() => (product ? tell(scope, product) : null));
  }

  function tell(scope, product) {
    return load(product).then((data) => {
      const combination = combinationOf(scope);
      const detail = { product, combination, variant: variantOf(data, combination), data };
      document.dispatchEvent(new CustomEvent("lcvsync:availability", { detail }));
      return detail;
    });
  }

  /* PrestaShop: `answer` is that of the refresh, `fields` those of the form: the page's, or that of a window above it. */
  function updated(answer, fields) {
    const field = Array.isArray(fields) ? fields.find((each) => each && each.name === "id_product") : null;
    const told = toCombination(answer && answer.id_product_attribute);
    if (told !== null) {
      chosen.set(field ? Number(field.value) : productOf(document.body), told);
    }
    refresh();
  }

  /* A window with a product is about to open, by an answer from the shop: wait until it is in the page. */
  function opening() {
    const before = new Set(document.querySelectorAll(".quickview"));
    const observer = new MutationObserver(() => {
      const opened = Array.from(document.querySelectorAll(".quickview")).find((each) => !before.has(each));
      if (opened) {
        observer.disconnect();
        if (productOf(opened) !== productOf(document.body)) {
          chosen.delete(productOf(opened));
        }
        refresh();
      }
    });
    observer.observe(document.body, { childList: true, subtree: true });
    setTimeout(() => observer.disconnect(), 20000);
  }

  function connect() {
    if (!connected && window.prestashop && typeof window.prestashop.on === "function") {
      connected = true;
      window.prestashop.on("updatedProduct", updated);
      window.prestashop.on("clickQuickView", opening);
    }
  }

  function start() {
    connect();
    refresh();
  }

  window.lcvsyncAvailability = { load, render, refresh };

  if (document.readyState === "loading") {
    document.addEventListener("DOMContentLoaded", start);
  } else {
    start();
  }
  window.addEventListener("load", connect); // a theme whose scripts come after this one
})();
