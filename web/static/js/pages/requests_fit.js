/** Which pools a request may be sent to. */

/** Whether a pool buys what a request asks for: its cell, and its month in the window. */
export function fits(request, pool) {
  return (
    request.instrument_id === pool.instrument_id &&
    request.region === pool.region &&
    request.first_tenor <= pool.tenor &&
    pool.tenor <= request.last_tenor
  );
}
