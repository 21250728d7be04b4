/** Chooses from an index the manifest for this machine. */
import type { OciDescriptor } from '#contracts/oci/image.ts'

const ARCHITECTURES: Record<string, string> = {
  x64: 'amd64',
  arm64: 'arm64',
  ia32: '386',
  ppc64: 'ppc64le',
  s390x: 's390x',
  riscv64: 'riscv64',
}

/** Undefined when no entry runs here. Entries without a platform are taken when nothing better is there. */
export function choosePlatform(
  manifests: readonly OciDescriptor[],
  arch: string = process.arch,
): OciDescriptor | undefined {
  const wanted = ARCHITECTURES[arch] ?? arch
  const matches = manifests.filter(({ platform }) => platform?.os === 'linux' && platform.architecture === wanted)
  const rank = ({ platform }: OciDescriptor) =>
    !platform?.variant || platform.variant === 'v8' || platform.variant === 'v1' ? 0 : 1
  return matches.toSorted((a, b) => rank(a) - rank(b))[0] ?? manifests.find(({ platform }) => !platform)
}
