/**
 * What Node's own modules are made of, below them: a deprecated corner of Node (`process.binding`), which costs nothing where the
 * module above it would load the network stack. Whoever asks has another way, for a Node that refuses.
 */

/** Throws where Node has no such binding, or gives it to nobody. */
export function bindingOf<Binding>(name: 'pipe_wrap' | 'spawn_sync'): Binding {
  return (process as unknown as { binding(name: string): Binding }).binding(name);
}
