/** Leaves out members that were not sent: an event holds what was changed and nothing else. */
export function stated<T extends object>(members: T): {[K in keyof T]: Exclude<T[K], undefined>} {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
