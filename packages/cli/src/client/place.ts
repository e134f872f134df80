/** The folder in which the person is: npm runs a script in that of its package, and says from which one it was asked to. */
export function placeOf(environment: NodeJS.ProcessEnv, current: string): string {
  const { npm_lifecycle_event: script, INIT_CWD: place } = environment;
  return script === 'holdfast' && place !== undefined ? place : current;
}
