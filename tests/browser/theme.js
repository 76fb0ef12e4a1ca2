/* What a PrestaShop theme does when a size is chosen, as measured on a real 8.2.1: it asks for the product anew, replaces
   blocks of the page by what came, and tells it on the global `prestashop`. Answers come after a moment. */
(function () {
  const listeners = {};
  window.prestashop = Object.assign(window.prestashop || {}, {
    on: (name, listener) => (listeners[name] = listeners[name] || []).push(listener),
    emit: (name, ...told) => (listeners[name] || []).forEach((listener) => listener(...told)),
  });
  /* The quick view: a click is told, the window comes with the shop's answer, with the combination in its id only. */
  window.quickView = (product, combination) => {
    window.prestashop.emit("clickQuickView", {});
    setTimeout(() => {
      document.body.insertAdjacentHTML(
        "beforeend",
        `<div><div id="quickview-modal-${product}-${combination}" class="modal quickview"><form id="add-to-cart-or-refresh">
        <input name="id_product" id="product_page_product_id" value="${product}"></form>
        <div class="modal-footer"><div class="product-additional-info js-product-additional-info"></div></div></div></div>`,
      );
    }, 30);
  };

  const combinations = JSON.parse(document.querySelector("#combinations").textContent);
  let asked = 0;
  window.updates = 0;

  document.querySelector("main").addEventListener("change", () => {
    const form = document.querySelector("#add-to-cart-or-refresh");
    const fields = [...new FormData(form)].map(([name, value]) => ({ name, value }));
    const values = fields.filter((field) => field.name.startsWith("group[")).map((field) => field.value);
    const combination = combinations[values.join("-")] || 0;
    const place = ++asked;
    setTimeout(() => {
      if (place === asked) {
        answer(combination, fields);
      }
    }, 30);
  });

  function answer(combination, fields) {
    for (const selector of [".js-product-additional-info", ".js-product-details", ".js-product-variants"]) {
      const old = document.querySelector(selector);
      if (old) {
        const block = old.cloneNode(true);
        const chosen = new Map(fields.map((field) => [field.name, field.value]));
        block.querySelectorAll("select").forEach((select) => (select.value = chosen.get(select.name)));
        block.querySelectorAll("input[type=radio]").forEach((radio) => (radio.checked = chosen.get(radio.name) === radio.value));
        if (block.dataset.product) {
          block.dataset.product = JSON.stringify({ id_product_attribute: combination });
        }
        block.querySelectorAll("[data-lcvsync-availability]").forEach((place) => place.replaceChildren());
        old.replaceWith(block);
      }
    }
    window.updates += 1;
    window.prestashop.emit("updatedProduct", { id_product_attribute: combination, product_title: "x" }, fields);
  }
})();
