/**
 * rostrum.runtime.v1.Images: what the built-in runtime offers beyond CRI, on the same socket. CRI can only pull; this service
 * loads archives, makes images from files of the host, and exports them for other runtimes. The daemon runs as root and the
 * socket is root's alone, so paths are those of the daemon's own mount namespace.
 */
export const ARCHIVE_MESSAGES = {
  /** The first message may name a `path`; otherwise every message carries a piece of the archive. */
  LoadImageRequest: { path: 'string 1', chunk: 'bytes 2', names: 'string[] 3' },
  LoadedImage: { id: 'string 1', names: 'string[] 2' },
  LoadImageResponse: { images: 'LoadedImage[] 1' },

  HostFile: { from: 'string 1', to: 'string 2' },
  /** `programs` are paths or names looked up in the PATH; their shared libraries come along. `links` are symbolic links: `from` is the target. */
  BuildHostImageRequest: {
    name: 'string 1',
    programs: 'string[] 2',
    files: 'HostFile[] 3',
    links: 'HostFile[] 4',
    entrypoint: 'string[] 5',
    cmd: 'string[] 6',
    env: 'string[] 7',
    workingDir: 'string 8',
    user: 'string 9',
    labels: 'map 10',
    exposedPorts: 'string[] 11',
    stopSignal: 'string 12',
  },
  BuildHostImageResponse: { id: 'string 1', size: 'uint64 2', files: 'uint32 3' },

  ExportImageRequest: { images: 'string[] 1', path: 'string 2' },
  /** Without a `path` in the request the archive itself, in pieces; with one a single empty message once it is written. */
  ExportImageResponse: { chunk: 'bytes 1' },
} as const
