/**
 * The messages of runtime.v1.ImageService, as data (notation: runtime-messages.ts).
 */
export const IMAGE_MESSAGES = {
  ImageFilter: { image: 'ImageSpec 1' },
  ListImagesRequest: { filter: 'ImageFilter 1' },
  Image: {
    id: 'string 1',
    repoTags: 'string[] 2',
    repoDigests: 'string[] 3',
    size: 'uint64 4',
    uid: 'Int64Value 5',
    username: 'string 6',
    spec: 'ImageSpec 7',
    pinned: 'bool 8',
  },
  ListImagesResponse: { images: 'Image[] 1' },
  StreamImagesRequest: { filter: 'ImageFilter 1' },
  StreamImagesResponse: { images: 'Image[] 1' },
  ImageStatusRequest: { image: 'ImageSpec 1', verbose: 'bool 2' },
  ImageStatusResponse: { image: 'Image 1', info: 'map 2' },
  AuthConfig: {
    username: 'string 1',
    password: 'string 2',
    auth: 'string 3',
    serverAddress: 'string 4',
    identityToken: 'string 5',
    registryToken: 'string 6',
  },
  PullImageRequest: { image: 'ImageSpec 1', auth: 'AuthConfig 2', sandboxConfig: 'PodSandboxConfig 3' },
  PullImageResponse: { imageRef: 'string 1' },
  RemoveImageRequest: { image: 'ImageSpec 1' },
  RemoveImageResponse: {},
  ImageFsInfoRequest: {},
  FilesystemIdentifier: { mountpoint: 'string 1' },
  FilesystemUsage: {
    timestamp: 'int64 1',
    fsId: 'FilesystemIdentifier 2',
    usedBytes: 'UInt64Value 3',
    inodesUsed: 'UInt64Value 4',
  },
  ImageFsInfoResponse: { imageFilesystems: 'FilesystemUsage[] 1', containerFilesystems: 'FilesystemUsage[] 2' },
} as const
