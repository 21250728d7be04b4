/**
 * One signal out of several, for the length of a call. AbortSignal.any keeps what it made alive for as long as its sources
 * live on some versions of Node; a server's shutdown signal lives as long as the server.
 */
export interface LinkedAbort {
  readonly signal: AbortSignal
  /** Lets go of the sources. */
  unlink(): void
}

export function linkAbort(...sources: (AbortSignal | undefined)[]): LinkedAbort {
  const controller = new AbortController()
  const links: [AbortSignal, () => void][] = []
  const unlink = () => {
    for (const [source, listener] of links.splice(0)) source.removeEventListener('abort', listener)
  }
  for (const source of sources) {
    if (!source) continue
    const listener = () => {
      unlink()
      controller.abort(source.reason)
    }
    if (source.aborted) {
      listener()
      break
    }
    source.addEventListener('abort', listener, { once: true })
    links.push([source, listener])
  }
  return { signal: controller.signal, unlink }
}
