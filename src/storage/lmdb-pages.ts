/**
 * Looks at an lmdb data file before lmdb maps it, because reading a map beyond the end of a truncated file kills the
 * process with SIGBUS, and because lmdb's own words for a foreign file tell nobody what to do. The layout is that of
 * liblmdb's data version 2, 64 bits, little-endian, as lmdb-js 3 builds it.
 *
 * A file may rightly be shorter than its last page says, if the last pages are free. Only then are the trees walked,
 * to see that every page which is in use is inside the file.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

const MAGIC = 0xbeefc0de
const DATA_VERSION = 2
const PAGE_HEADER = 24
const META = { magic: 24, version: 28, freeTree: 48, mainTree: 96, lastPage: 144, txnId: 152, end: 168 }
/** Offsets inside a tree's record. */
const TREE = { pageSize: 0, root: 40 }
const BRANCH = 1
const LEAF = 2
const BIG_VALUE = 1
const SUBTREE = 2
const NO_PAGE = 0xffff_ffff_ffff_ffffn

/** What is wrong with the file, as the end of a sentence; undefined for one that lmdb can open, such as an empty one. */
export function checkPages(path: string): string | undefined {
  const fd = openSync(path, 'r')
  try {
    const size = fstatSync(fd).size
    if (size === 0) return undefined
    const first = readAt(fd, 0, META.end)
    if (first.length < META.end) return 'the file is cut off'
    if (first.readUInt32LE(META.magic) !== MAGIC) return 'it is not an lmdb file'
    if (first.readUInt32LE(META.version) !== DATA_VERSION) return 'it has another version of the lmdb format'
    const pageSize = first.readUInt32LE(META.freeTree + TREE.pageSize)
    if (pageSize < 512 || pageSize > 65_536 || (pageSize & (pageSize - 1)) !== 0) return 'its first page is damaged'
    const second = readAt(fd, pageSize, META.end)
    if (second.length < META.end) return 'the file is cut off'
    if (second.readUInt32LE(META.magic) !== MAGIC) return 'its second page is damaged'
    const meta = second.readBigUInt64LE(META.txnId) > first.readBigUInt64LE(META.txnId) ? second : first
    const pages = Math.floor(size / pageSize)
    if (meta.readBigUInt64LE(META.lastPage) < BigInt(pages)) return undefined
    const walk = new PageWalk(fd, pageSize, pages)
    const whole = walk.tree(meta, META.freeTree) && walk.tree(meta, META.mainTree)
    return whole ? undefined : 'the file is cut off'
  } finally {
    closeSync(fd)
  }
}

class PageWalk {
  readonly #fd: number
  readonly #pageSize: number
  readonly #pages: number
  #visited = 0

  constructor(fd: number, pageSize: number, pages: number) {
    this.#fd = fd
    this.#pageSize = pageSize
    this.#pages = pages
  }

  /** Whether all pages of the tree whose record is at `at` are in the file. */
  tree(record: Buffer, at: number): boolean {
    const root = record.readBigUInt64LE(at + TREE.root)
    return root === NO_PAGE || this.#page(root)
  }

  #page(number: bigint): boolean {
    // A loop among damaged pages would never end; no tree has more pages than the file.
    if (number >= BigInt(this.#pages) || ++this.#visited > this.#pages) return false
    const page = readAt(this.#fd, Number(number) * this.#pageSize, this.#pageSize)
    if (page.length < this.#pageSize || page.readBigUInt64LE(0) !== number) return false
    const flags = page.readUInt16LE(18)
    if ((flags & (BRANCH | LEAF)) === 0) return false
    const count = page.readUInt16LE(20) >> 1
    for (let i = 0; i < count; i++) {
      const pointer = PAGE_HEADER + 2 * i
      if (pointer + 2 > page.length) return false
      const node = page.readUInt16LE(pointer) + PAGE_HEADER
      if (node + 8 > page.length || !this.#node(page, node, (flags & BRANCH) !== 0)) return false
    }
    return true
  }

  #node(page: Buffer, node: number, inBranch: boolean): boolean {
    const low = page.readUInt32LE(node)
    const flags = page.readUInt16LE(node + 4)
    if (inBranch) return this.#page(BigInt(low) + (BigInt(flags) << 32n))
    const data = node + 8 + page.readUInt16LE(node + 6)
    if ((flags & SUBTREE) !== 0) return data + 48 <= page.length && this.tree(page, data)
    if ((flags & BIG_VALUE) === 0) return true
    if (data + 8 > page.length) return false
    const pages = Math.ceil((low + PAGE_HEADER) / this.#pageSize)
    return page.readBigUInt64LE(data) + BigInt(pages) <= BigInt(this.#pages)
  }
}

function readAt(fd: number, position: number, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes)
  return buffer.subarray(0, readSync(fd, buffer, 0, bytes, position))
}
