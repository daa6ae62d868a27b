/** What is traded and where: names of instruments and regions. */

import { get } from "./api.js";
import { month, monthsAhead } from "./clock.js";
import { homeRegion } from "./viewer.js";
import { named } from "./words.js";

let goods = new Map();
let places = new Map();

export async function load() {
  const [{ instruments: traded }, { regions: known }] = await Promise.all([get("/instruments"), get("/regions")]);
  goods = new Map(traded.map((one) => [one.id, one]));
  places = new Map(known.map((one) => [one.code, one]));
}

export function instrument(id) {
  return goods.get(id);
}

export function instruments() {
  return [...goods.values()];
}

export function regions() {
  return [...places.values()];
}

export function instrumentName(id) {
  return goods.has(id) ? named(goods.get(id)) : id;
}

export function regionName(code) {
  return places.has(code) ? named(places.get(code)) : code;
}

/** Return the name of a cell: product, place and month. */
export function cellName(cell) {
  const [id, region, tenor] = cell.split("/");
  return `${instrumentName(id)} · ${regionName(region)} · ${month(tenor)}`;
}

export function instrumentOptions() {
  return instruments().map((one) => [one.id, `${named(one)} (${one.id})`]);
}

/** Return the regions as options, the largest area last. */
export function regionOptions() {
  const parts = regions().sort((one, other) => Number(!one.parent) - Number(!other.parent));
  return parts.map((one) => [one.code, named(one)]);
}

export function monthOptions(count = 18) {
  return monthsAhead(count).map((tenor) => [tenor, month(tenor)]);
}

/** Return the region of one's own firm, where it is a part of a larger one. */
function home() {
  return places.get(homeRegion)?.parent ? homeRegion : "";
}

/** Return the three fields that name a cell. */
export function cellFields(t) {
  return [
    { name: "instrument", label: t("word.instrument"), type: "select", options: instrumentOptions() },
    { name: "region", label: t("word.region"), type: "select", options: regionOptions(), value: home() },
    {
      name: "tenor",
      label: t("word.tenor"),
      type: "select",
      options: monthOptions(),
      value: monthsAhead(3)[2],
    },
  ];
}

/** Return the cell that the three fields name. */
export function cellOf({ instrument: id, region, tenor }) {
  return `${id}/${region}/${tenor}`;
}
