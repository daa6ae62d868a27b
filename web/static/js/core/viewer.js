/** Who looks at the page, as the server wrote it into the page's frame. */

const { acts, roles, person, organisation, home } = document.body.dataset;
const held = new Set(acts.split(" "));
const played = new Set(roles.split(" "));

export const personId = person;
export const organisationId = organisation;
export const homeRegion = home;
export const isMember = organisation !== "";

/** Whether the viewer's roles hold an act. The server decides again when it is done. */
export function may(act) {
  return held.has(act);
}

export function plays(role) {
  return played.has(role);
}
