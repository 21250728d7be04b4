/**
 * The OCI image specification (v1.1) and the Docker formats that registries still serve: descriptors, manifests, indexes,
 * configurations, and the layout of an archive. Field names are those of the JSON documents.
 */

export interface OciDescriptor {
  mediaType: string
  /** `sha256:<64 hex>`, of exactly `size` bytes. */
  digest: string
  size: number
  platform?: OciPlatform
  annotations?: Record<string, string>
  urls?: string[]
  artifactType?: string
}

export interface OciPlatform {
  /** GOARCH and GOOS names: `amd64`, `arm64`; `linux`. */
  architecture: string
  os: string
  variant?: string
  'os.version'?: string
}

export interface OciManifest {
  schemaVersion: 2
  mediaType?: string
  artifactType?: string
  config: OciDescriptor
  layers: OciDescriptor[]
  annotations?: Record<string, string>
}

export interface OciIndex {
  schemaVersion: 2
  mediaType?: string
  manifests: OciDescriptor[]
  annotations?: Record<string, string>
}

/** What a container of the image gets unless the container's own configuration says otherwise. */
export interface OciImageRunConfig {
  /** `user`, `uid`, `user:group` or `uid:gid`. */
  User?: string
  /** Keys such as `80/tcp`. */
  ExposedPorts?: Record<string, object>
  Env?: string[]
  Entrypoint?: string[]
  Cmd?: string[]
  Volumes?: Record<string, object>
  WorkingDir?: string
  Labels?: Record<string, string>
  /** `SIGTERM` or a number. */
  StopSignal?: string
}

export interface OciImageConfig {
  created?: string
  author?: string
  architecture: string
  os: string
  variant?: string
  config?: OciImageRunConfig
  rootfs: { type: 'layers'; diff_ids: string[] }
  history?: { created?: string; created_by?: string; comment?: string; empty_layer?: boolean }[]
}

/** One entry of `manifest.json` in a `docker save` archive; paths are relative to its root. */
export interface DockerArchiveEntry {
  Config: string
  RepoTags: string[] | null
  Layers: string[]
}

export const MEDIA_TYPES = {
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  ociConfig: 'application/vnd.oci.image.config.v1+json',
  ociLayer: 'application/vnd.oci.image.layer.v1.tar',
  ociLayerGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  ociLayerZstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
  dockerIndex: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
  dockerLayerGzip: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
} as const

/** The annotation of an index entry that holds the tag (OCI), and the full name (as containerd and ctr write it). */
export const ANNOTATION_REF_NAME = 'org.opencontainers.image.ref.name'
export const ANNOTATION_IMAGE_NAME = 'io.containerd.image.name'

/** Errors of the distribution API: `{ errors: [{ code, message }] }`. */
export interface DistributionErrors {
  errors?: { code: string; message?: string; detail?: unknown }[]
}

/** The answer of a token server (Docker Registry v2 authentication). */
export interface DistributionToken {
  token?: string
  access_token?: string
  expires_in?: number
}
