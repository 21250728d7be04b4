import { appendFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '#base/clock.ts'
import { LineFilter } from './line-filter.ts'
import { type LogOptions, readLog } from './log-reader.ts'

const at = (second: number) => `2026-01-01T00:00:${String(second).padStart(2, '0')}.000000001Z`
const line = (second: number, text: string, stream = 'stdout', tag = 'F') => `${at(second)} ${stream} ${tag} ${text}\n`

function filtered(text: string, options = {}, chunkBytes = text.length) {
  const filter = new LineFilter(options)
  const input = Buffer.from(text)
  const pieces: Buffer[] = []
  for (let i = 0; i < input.length; i += chunkBytes) pieces.push(filter.push(input.subarray(i, i + chunkBytes)))
  return Buffer.concat([...pieces, filter.finish()]).toString()
}

describe('LineFilter', () => {
  const text =
    line(1, 'one') + line(2, 'two ', 'stderr', 'P') + line(2, 'parts', 'stderr') + line(3, 'grün') + line(4, '')

  it('gives back what the container wrote, however the file is cut into chunks', () => {
    for (const bytes of [1, 2, 7, 40, 1000]) expect(filtered(text, {}, bytes)).toBe('one\ntwo parts\ngrün\n\n')
  })

  it('selects by stream and time', () => {
    expect(filtered(text, { stream: 'Stderr' })).toBe('two parts\n')
    expect(filtered(text, { sinceMs: Date.UTC(2026, 0, 1, 0, 0, 3) })).toBe('grün\n\n')
    expect(filtered(text, { sinceMs: Date.UTC(2026, 0, 1, 0, 0, 3, 1) })).toBe('\n')
  })

  it('puts the time before each line once, with nine digits', () => {
    expect(filtered(text, { timestamps: true, stream: 'Stderr' })).toBe(`${at(2)} two parts\n`)
    expect(filtered('2026-01-01T00:00:01.5+01:00 stdout F x\n', { timestamps: true })).toBe(
      '2026-01-01T00:00:01.500000000+01:00 x\n',
    )
  })

  it('stops at its limits', () => {
    expect(filtered(text, { limitBytes: 6 })).toBe('one\ntw')
    expect(filtered(text, { limitLines: 1 })).toBe('one\n')
  })

  it('skips what is no log entry, and takes a last line without newline', () => {
    expect(filtered('garbage\n\n' + line(1, 'ok') + `${at(2)} stdout F end`)).toBe('ok\nend\n')
  })
})

describe('readLog', () => {
  let dir: string
  let path: string
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'rostrum-log-'))
    path = join(dir, '0.log')
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))

  async function read(options: LogOptions) {
    const pieces: Buffer[] = []
    await readLog(
      { path, isRunning: () => false, clock: systemClock },
      options,
      (b) => void pieces.push(Buffer.from(b)),
    )
    return Buffer.concat(pieces).toString()
  }

  it('reads the last lines, over blocks and rotated files', async () => {
    await writeFile(`${path}.20260101-000001.gz`, gzipSync(line(1, 'a') + line(2, 'b')))
    await writeFile(`${path}.20260101-000002`, line(3, 'c') + line(4, 'd'))
    await writeFile(path, line(5, 'e') + line(6, 'f'))
    expect(await read({})).toBe('a\nb\nc\nd\ne\nf\n')
    expect(await read({ tailLines: 1 })).toBe('f\n')
    expect(await read({ tailLines: 3 })).toBe('d\ne\nf\n')
    expect(await read({ tailLines: 5 })).toBe('b\nc\nd\ne\nf\n')
    expect(await read({ tailLines: 99 })).toBe('a\nb\nc\nd\ne\nf\n')
    expect(await read({ tailLines: 0 })).toBe('')
    const many = Array.from({ length: 5000 }, (_, i) => line(7, `line ${i} ${'x'.repeat(i % 200)}`)).join('')
    await writeFile(path, many)
    expect((await read({ tailLines: 4999 })).split('\n')[0]).toBe(`line 1 x`)
  })

  it('follows a growing file across a rotation until the container ends', async () => {
    await writeFile(path, line(1, 'one'))
    let isRunning = true
    let got = ''
    let check = () => {}
    const seen = (text: string) =>
      new Promise<void>((resolve) => {
        check = () => got.includes(text) && resolve()
        check()
      })
    const done = readLog({ path, isRunning: () => isRunning, clock: systemClock }, { follow: true }, (bytes) => {
      got += bytes.toString()
      check()
    })
    await appendFile(path, line(2, 'two'))
    await seen('two')
    await rename(path, `${path}.20260101-000001`)
    await writeFile(path, line(3, 'three'))
    await seen('three')
    isRunning = false
    await appendFile(path, line(4, 'four'))
    await done
    expect(got).toBe('one\ntwo\nthree\nfour\n')
  })
})
