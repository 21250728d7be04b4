/** Signal names of images (`SIGTERM`, `15`, `RTMIN+3`) and of CRI as numbers. */
import { constants } from 'node:os'
import { Signal } from '#contracts/cri/enums.ts'

const RTMIN = 34
const RTMAX = 64

/** Undefined for what is no signal. */
export function signalNumber(name: string): number | undefined {
  if (/^\d+$/.test(name)) return Number(name) >= 1 && Number(name) <= RTMAX ? Number(name) : undefined
  const full = name.toUpperCase().startsWith('SIG') ? name.toUpperCase() : `SIG${name.toUpperCase()}`
  const realtime = /^SIGRTM(IN|AX)(?:(?:\+|PLUS|-|MINUS)(\d+))?$/.exec(full)
  if (realtime) return realtime[1] === 'IN' ? RTMIN + Number(realtime[2] ?? 0) : RTMAX - Number(realtime[2] ?? 0)
  if (full === 'SIGCLD') return constants.signals.SIGCHLD
  return (constants.signals as Record<string, number>)[full]
}

/** The CRI's name of its enumeration value; undefined for RUNTIME_DEFAULT. */
export function criSignalName(value: Signal): string | undefined {
  return value === Signal.RUNTIME_DEFAULT ? undefined : Object.entries(Signal).find(([, v]) => v === value)?.[0]
}

export function criSignal(name: string): Signal {
  const number = signalNumber(name)
  const found = Object.entries(Signal).find(([key, value]) => value !== 0 && signalNumber(key) === number)
  return found?.[1] ?? Signal.RUNTIME_DEFAULT
}
