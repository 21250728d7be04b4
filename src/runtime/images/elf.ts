/** Reads from an ELF file what the dynamic linker would: interpreter, needed libraries, search paths. Nothing is executed. */

export interface ElfDynamic {
  /** 62 = x86-64, 183 = aarch64. */
  machine: number
  is64Bit: boolean
  interpreter?: string
  needed: string[]
  /** DT_RUNPATH, or DT_RPATH where there is none; `$ORIGIN` is not expanded. */
  searchPaths: string[]
}

const PT_LOAD = 1
const PT_DYNAMIC = 2
const PT_INTERP = 3
const DT_NEEDED = 1n
const DT_STRTAB = 5n
const DT_RPATH = 15n
const DT_RUNPATH = 29n

/** Undefined for anything that is not a little-endian ELF file. Throws RangeError for truncated ones. */
export function readElf(file: Buffer): ElfDynamic | undefined {
  if (file.length < 52 || file.readUInt32BE(0) !== 0x7f454c46 || file[5] !== 1) return undefined
  const is64Bit = file[4] === 2
  const word = (at: number) => (is64Bit ? file.readBigUInt64LE(at) : BigInt(file.readUInt32LE(at)))
  const wordSize = is64Bit ? 8 : 4
  const headerOffset = Number(word(is64Bit ? 32 : 28))
  const entrySize = file.readUInt16LE(is64Bit ? 54 : 42)
  const count = file.readUInt16LE(is64Bit ? 56 : 44)
  const segments = Array.from({ length: count }, (_, i) => {
    const at = headerOffset + i * entrySize
    return is64Bit
      ? {
          type: file.readUInt32LE(at),
          offset: Number(word(at + 8)),
          address: word(at + 16),
          size: Number(word(at + 32)),
        }
      : {
          type: file.readUInt32LE(at),
          offset: file.readUInt32LE(at + 4),
          address: BigInt(file.readUInt32LE(at + 8)),
          size: file.readUInt32LE(at + 16),
        }
  })
  const text = (at: number) => file.toString('latin1', at, file.indexOf(0, at))
  const result: ElfDynamic = { machine: file.readUInt16LE(18), is64Bit, needed: [], searchPaths: [] }
  const interpreter = segments.find((s) => s.type === PT_INTERP)
  if (interpreter) result.interpreter = text(interpreter.offset)
  const dynamic = segments.find((s) => s.type === PT_DYNAMIC)
  if (!dynamic) return result
  const tags: [bigint, bigint][] = []
  for (let at = dynamic.offset; at < dynamic.offset + dynamic.size; at += 2 * wordSize) {
    const tag = word(at)
    if (tag === 0n) break
    tags.push([tag, word(at + wordSize)])
  }
  const stringsAddress = tags.find(([tag]) => tag === DT_STRTAB)?.[1]
  const holder = segments.find(
    (s) =>
      s.type === PT_LOAD &&
      stringsAddress !== undefined &&
      stringsAddress >= s.address &&
      stringsAddress < s.address + BigInt(s.size),
  )
  if (stringsAddress === undefined || !holder) return result
  const strings = holder.offset + Number(stringsAddress - holder.address)
  const all = (wanted: bigint) =>
    tags.filter(([tag]) => tag === wanted).map(([, offset]) => text(strings + Number(offset)))
  result.needed = all(DT_NEEDED)
  const runpath = all(DT_RUNPATH)
  result.searchPaths = (runpath.length > 0 ? runpath : all(DT_RPATH)).flatMap((paths) =>
    paths.split(':').filter(Boolean),
  )
  return result
}
