/** What an image made of files of this host consists of; see `rostrum image from-host`. */

export interface HostImage {
  name: string
  /** Paths, or names looked up in the PATH; their libraries come along. */
  programs: readonly string[]
  files?: readonly { from: string; to: string }[]
  links?: readonly { from: string; to: string }[]
  entrypoint?: readonly string[]
  cmd?: readonly string[]
  /** `NAME=value` */
  env?: readonly string[]
  workingDir?: string
  user?: string
  labels?: Record<string, string>
  /** `80/tcp` */
  exposedPorts?: readonly string[]
}

/** As the runtime wants to be asked for it. */
export const requestOf = (image: HostImage) => ({
  name: image.name,
  programs: [...image.programs],
  files: [...(image.files ?? [])],
  links: [...(image.links ?? [])],
  entrypoint: [...(image.entrypoint ?? [])],
  cmd: [...(image.cmd ?? [])],
  env: [...(image.env ?? [])],
  workingDir: image.workingDir ?? '',
  user: image.user ?? '',
  labels: image.labels ?? {},
  exposedPorts: [...(image.exposedPorts ?? [])],
})
