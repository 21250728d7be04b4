/**
 * A SPDY/3.1 connection over any Duplex, as client or server: what exec, attach and port-forward run on between kubectl,
 * API server, kubelet and container runtime.
 *
 * Flow control. The peers of this world (moby/spdystream: kubectl, containerd, CRI-O) neither wait for a window nor grant
 * one; they ignore SETTINGS and WINDOW_UPDATE. So a peer is held to a window, and we keep to its, only once it has shown
 * that it takes part (our own other end does, by its first frame). Towards all others the transport's back-pressure is
 * what there is: the connection stops reading while one stream's buffer, or all together, are full. A peer that counts
 * windows without saying so gets one grant that is larger than it can use up.
 *
 * Invariants: data is sent on a stream only after its SYN_REPLY (spdystream drops what comes earlier); memory is bounded
 * by `SpdyLimits` whatever the peer does; every stream ends when the transport does.
 */
import type { Duplex } from 'node:stream'
import type { Clock, Timer } from '#base/clock.ts'
import { DEFAULT_IDLE_TIMEOUT_MS, watchIdle } from './idle.ts'
import {
  dataFrameHeader,
  RST_STATUS,
  SETTING_INITIAL_WINDOW_BYTES,
  SpdyDecoder,
  SpdyEncoder,
  type SpdyControlFrame,
  type SpdyFrame,
} from './spdy-framing.ts'
import { type SpdyHeaders, SpdyProtocolError } from './spdy-header-block.ts'
import { SpdyStream, SpdyStreamClosedError, type SpdyStreamHost } from './spdy-stream.ts'

export interface SpdyLimits {
  /** Open streams that the peer started; more are refused. */
  streams: number
  /** Received bytes of one stream that nobody has read. */
  streamBufferBytes: number
  /** The same for all streams together. */
  connectionBufferBytes: number
}

export interface SpdyConnectionOptions {
  role: 'client' | 'server'
  clock: Clock
  /** A stream of the peer. Unless this throws or destroys it, the stream is accepted when this returns. */
  onStream?(stream: SpdyStream): void
  /** Sends a PING this often, so that middle boxes keep an idle connection. Default: never. */
  pingIntervalMs?: number
  /** Closes a connection on which nothing has moved for this long. Default 4 hours, as upstream. */
  idleTimeoutMs?: number
  limits?: Partial<SpdyLimits>
}

/** Why a connection is over although nobody here closed it. */
export class SpdyConnectionError extends Error {
  override readonly name = 'SpdyConnectionError'
}

const DEFAULT_LIMITS: SpdyLimits = { streams: 1024, streamBufferBytes: 1 << 20, connectionBufferBytes: 8 << 20 }
const MAX_FRAME_BYTES = 64 << 10
/** What SPDY/3.1 assumes of a peer that has not said otherwise. */
const DEFAULT_WINDOW_BYTES = 64 << 10
const MAX_WINDOW_BYTES = 0x7fff_ffff
/** Control frames we may owe a peer that does not read: more means it only makes us talk. */
const MAX_UNREAD_CONTROL_BYTES = 1 << 20
const MAX_STREAM_ID = 0x7fff_ffff
const MAX_PINGS_IN_FLIGHT = 16
/** While reading is paused a vanished peer would go unnoticed; writing brings out a reset. */
const PAUSED_PING_MS = 15_000
const LINGER_MS = 5_000

interface SendJob {
  chunk: Buffer
  offset: number
  fin: boolean
  done: (error?: Error | null) => void
}

interface StreamState {
  readonly stream: SpdyStream
  accepted: boolean
  localClosed: boolean
  remoteClosed: boolean
  /** The write that waits for a SYN_REPLY or for window. */
  parked: SendJob | undefined
  sentBytes: number
  grantedBytes: number
  receivedBytes: number
  /** Of the received bytes, how many the peer was told it may replace. */
  acknowledgedBytes: number
  grantedAll: boolean
  bufferedBytes: number
}

export class SpdyConnection {
  readonly #transport: Duplex
  readonly #options: SpdyConnectionOptions
  readonly #limits: SpdyLimits
  readonly #encoder = new SpdyEncoder()
  readonly #decoder = new SpdyDecoder()
  readonly #streams = new Map<number, StreamState>()
  readonly #states = new WeakMap<SpdyStream, StreamState>()
  readonly #drainWaiters: (() => void)[] = []
  readonly #pings = new Map<number, { sentMs: number; resolve(ms: number): void; reject(error: Error): void }>()
  readonly #host: SpdyStreamHost
  readonly #timers = new Set<Timer>()
  #nextStreamId: number
  #lastPeerStreamId = 0
  #nextPingId: number
  #bufferedBytes = 0
  #paused = false
  /** The window the peer gives each stream, once it is known to keep windows. */
  #peerWindowBytes: number | undefined
  #grantedSession = false
  #goneAway = false
  #closing = false
  /** Chunks received and data frames sent, for noticing that nothing moves. */
  #moved = 0
  #settleClosed!: (error: Error | undefined) => void
  /** Resolves when the transport is gone: with the error that ended it, or with undefined after an orderly close. */
  readonly closed: Promise<Error | undefined>
  #closedNow = false

  constructor(transport: Duplex, options: SpdyConnectionOptions) {
    this.#transport = transport
    this.#options = options
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits }
    const first = options.role === 'client' ? 1 : 2
    this.#nextStreamId = first
    this.#nextPingId = first
    this.closed = new Promise((resolve) => (this.#settleClosed = resolve))
    this.#host = {
      send: (stream, chunk, fin, done) => this.#send(this.#stateOf(stream), { chunk, offset: 0, fin, done }),
      consumed: (stream) => this.#account(this.#stateOf(stream)),
      abandoned: (stream) => this.#abandon(this.#stateOf(stream)),
    }
    transport.on('data', (chunk: Buffer) => this.#receive(chunk))
    transport.on('drain', () => this.#drain())
    transport.on('end', () => this.#onTransportEnd())
    transport.on('error', (cause) => this.#onTransportClosed(new SpdyConnectionError('connection failed', { cause })))
    transport.on('close', () => this.#onTransportClosed(undefined))
    this.#control({
      type: 'SETTINGS',
      settings: new Map([[SETTING_INITIAL_WINDOW_BYTES, this.#limits.streamBufferBytes]]),
    })
    const idleTimeoutMs = options.idleTimeoutMs ?? DEFAULT_IDLE_TIMEOUT_MS
    const onIdle = () => this.destroy(new SpdyConnectionError(`nothing moved for ${idleTimeoutMs} ms`))
    this.#timers.add(watchIdle(options.clock, idleTimeoutMs, () => this.#moved, onIdle))
    if (options.pingIntervalMs) this.#armPing(options.pingIntervalMs)
  }

  /** How many streams are open, of either side. */
  get streamCount(): number {
    return this.#streams.size
  }

  /** Opens a stream; what is written to it waits until the peer accepts. Throws SpdyConnectionError once closed. */
  createStream(headers: Readonly<Record<string, string>>): SpdyStream {
    if (this.#closing || this.#goneAway || this.#closedNow) throw new SpdyConnectionError('the connection is closing')
    const id = this.#nextStreamId
    if (id > MAX_STREAM_ID) throw new SpdyConnectionError('no stream identifiers are left')
    this.#nextStreamId += 2
    const block: SpdyHeaders = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), [value]]))
    const state = this.#addStream(id, block, true)
    this.#control({
      type: 'SYN_STREAM',
      streamId: id,
      associatedStreamId: 0,
      priority: 0,
      fin: false,
      unidirectional: false,
      headers: block,
    })
    return state.stream
  }

  /** Round-trip time, ms. Rejects when the connection ends first, or when too many pings are unanswered. */
  ping(): Promise<number> {
    if (this.#closedNow || this.#closing) return Promise.reject(new SpdyConnectionError('the connection is closing'))
    if (this.#pings.size >= MAX_PINGS_IN_FLIGHT) return Promise.reject(new SpdyConnectionError('pings go unanswered'))
    const id = this.#nextPingId
    this.#nextPingId = id + 2 > MAX_STREAM_ID ? id % 2 || 2 : id + 2
    return new Promise((resolve, reject) => {
      this.#pings.set(id, { sentMs: this.#options.clock.monotonic(), resolve, reject })
      this.#control({ type: 'PING', id })
    })
  }

  /**
   * Says goodbye and closes once everything written is flushed. Streams still open are reset; to lose nothing, end them
   * and wait for their `finish` first. Input is read and dropped until the peer closes too (at most 5 s), because closing
   * with unread input would make the kernel discard what we just sent.
   */
  close(): void {
    if (this.#closing || this.#closedNow) return
    for (const state of this.#streams.values()) {
      if (!state.localClosed)
        this.#control({ type: 'RST_STREAM', streamId: state.stream.id, status: RST_STATUS.cancel })
    }
    this.#control({ type: 'GOAWAY', lastGoodStreamId: this.#lastPeerStreamId, status: 0 })
    this.#closing = true
    this.#failStreams(undefined)
    this.#transport.end()
    this.#setPaused(false)
    this.#after(LINGER_MS, () => this.#transport.destroy())
  }

  /** Drops the connection at once. */
  destroy(error?: Error): void {
    this.#onTransportClosed(error)
    this.#transport.destroy()
  }

  #stateOf(stream: SpdyStream): StreamState {
    return this.#states.get(stream)!
  }

  #addStream(id: number, headers: SpdyHeaders, local: boolean): StreamState {
    const stream = new SpdyStream(id, headers, this.#host, local)
    const state: StreamState = {
      stream,
      accepted: false,
      localClosed: false,
      remoteClosed: false,
      parked: undefined,
      sentBytes: 0,
      grantedBytes: 0,
      receivedBytes: 0,
      acknowledgedBytes: 0,
      grantedAll: false,
      bufferedBytes: 0,
    }
    this.#streams.set(id, state)
    this.#states.set(stream, state)
    stream.on('close', () => this.#account(state))
    return state
  }

  // Receiving

  #receive(chunk: Buffer): void {
    this.#moved++
    if (this.#closing || this.#closedNow) return
    try {
      this.#decoder.push(chunk, (frame) => this.#handle(frame))
    } catch (error) {
      if (!(error instanceof SpdyProtocolError)) throw error
      this.#control({ type: 'GOAWAY', lastGoodStreamId: this.#lastPeerStreamId, status: 1 })
      this.destroy(error)
    }
  }

  #handle(frame: SpdyFrame): void {
    if (this.#closing || this.#closedNow) return
    switch (frame.type) {
      case 'DATA':
        return this.#handleData(frame.streamId, frame.data, frame.fin)
      case 'SYN_STREAM':
        return this.#handleSynStream(frame)
      case 'SYN_REPLY':
      case 'HEADERS': {
        const state = this.#streams.get(frame.streamId)
        if (!state) return
        if (frame.type === 'SYN_REPLY' && !state.accepted) {
          state.accepted = true
          state.stream.settleAccepted()
          this.#unpark(state)
        }
        if (frame.fin) this.#remoteFin(state)
        return
      }
      case 'RST_STREAM': {
        const state = this.#streams.get(frame.streamId)
        if (!state) return
        this.#endState(state)
        state.stream.deliverReset(
          new SpdyStreamClosedError(`stream ${frame.streamId} was reset with status ${frame.status}`),
        )
        return
      }
      case 'SETTINGS': {
        const windowBytes = frame.settings.get(SETTING_INITIAL_WINDOW_BYTES)
        if (windowBytes !== undefined) this.#keepWindows(Math.min(windowBytes, MAX_WINDOW_BYTES))
        return
      }
      case 'WINDOW_UPDATE': {
        if (this.#peerWindowBytes === undefined) this.#keepWindows(DEFAULT_WINDOW_BYTES)
        const state = this.#streams.get(frame.streamId)
        if (!state) return
        state.grantedBytes += frame.deltaBytes
        this.#unpark(state)
        return
      }
      case 'PING': {
        const mine = this.#options.role === 'client' ? 1 : 0
        if (frame.id % 2 !== mine) return this.#control({ type: 'PING', id: frame.id })
        const ping = this.#pings.get(frame.id)
        this.#pings.delete(frame.id)
        ping?.resolve(this.#options.clock.monotonic() - ping.sentMs)
        return
      }
      case 'GOAWAY':
        this.#goneAway = true
        if (this.#streams.size === 0) this.close()
        return
    }
  }

  #handleSynStream(frame: Extract<SpdyFrame, { type: 'SYN_STREAM' }>): void {
    const { streamId } = frame
    const fromPeer = streamId % 2 === (this.#options.role === 'client' ? 0 : 1)
    if (!fromPeer || streamId <= this.#lastPeerStreamId) {
      throw new SpdyProtocolError(`SYN_STREAM with identifier ${streamId} after ${this.#lastPeerStreamId}`)
    }
    this.#lastPeerStreamId = streamId
    const refuse = () => this.#control({ type: 'RST_STREAM', streamId, status: RST_STATUS.refusedStream })
    if (!this.#options.onStream || this.#goneAway || this.#streams.size >= this.#limits.streams) return refuse()
    const state = this.#addStream(streamId, frame.headers, false)
    try {
      this.#options.onStream(state.stream)
    } catch (error) {
      state.stream.destroy(error instanceof Error ? error : new Error(String(error)))
    }
    if (state.localClosed) return
    this.#control({ type: 'SYN_REPLY', streamId, fin: frame.unidirectional, headers: new Map() })
    state.accepted = true
    this.#unpark(state)
    if (frame.unidirectional) this.#localFin(state)
    if (frame.fin) this.#remoteFin(state)
  }

  #handleData(streamId: number, data: Buffer, fin: boolean): void {
    const state = this.#streams.get(streamId)
    // Streams that were reset here keep receiving what was under way.
    if (!state || state.remoteClosed) return
    if (data.length > 0) {
      state.receivedBytes += data.length
      state.stream.deliver(data)
      this.#account(state)
    }
    if (fin) this.#remoteFin(state)
  }

  /** Settles what follows from bytes that came into, or were taken out of, a stream's buffer. */
  #account(state: StreamState): void {
    const open = this.#streams.get(state.stream.id) === state
    // A stream that is over may still hold what nobody has read: that counts until it is read or dropped.
    const bufferedBytes = state.stream.destroyed ? 0 : state.stream.readableLength
    this.#bufferedBytes += bufferedBytes - state.bufferedBytes
    state.bufferedBytes = bufferedBytes
    if (open && !state.remoteClosed) this.#acknowledge(state, state.receivedBytes - bufferedBytes)
    // A peer that keeps windows fills one stream up to the limit and no further: that must not hold up the others.
    const full = open && bufferedBytes > this.#limits.streamBufferBytes
    if (full || this.#bufferedBytes >= this.#limits.connectionBufferBytes) this.#setPaused(true)
    else if (this.#paused && this.#hasRoom()) this.#setPaused(false)
  }

  /** Half of each limit must be free again before reading goes on, so that it does not flap. */
  #hasRoom(): boolean {
    if (this.#bufferedBytes > this.#limits.connectionBufferBytes / 2) return false
    for (const state of this.#streams.values()) {
      if (state.bufferedBytes > this.#limits.streamBufferBytes / 2) return false
    }
    return true
  }

  #acknowledge(state: StreamState, consumedBytes: number): void {
    const deltaBytes = consumedBytes - state.acknowledgedBytes
    if (state.grantedAll || this.#closing || this.#closedNow) return
    if (this.#peerWindowBytes === undefined) {
      if (deltaBytes < DEFAULT_WINDOW_BYTES / 2) return
      state.grantedAll = true
      this.#control({
        type: 'WINDOW_UPDATE',
        streamId: state.stream.id,
        deltaBytes: MAX_WINDOW_BYTES - DEFAULT_WINDOW_BYTES,
      })
    } else {
      if (deltaBytes < this.#limits.streamBufferBytes / 2) return
      state.acknowledgedBytes = consumedBytes
      this.#control({ type: 'WINDOW_UPDATE', streamId: state.stream.id, deltaBytes })
    }
    if (this.#grantedSession) return
    this.#grantedSession = true
    this.#control({ type: 'WINDOW_UPDATE', streamId: 0, deltaBytes: MAX_WINDOW_BYTES - DEFAULT_WINDOW_BYTES })
  }

  #keepWindows(windowBytes: number): void {
    this.#peerWindowBytes = windowBytes
    for (const state of this.#streams.values()) this.#unpark(state)
  }

  #setPaused(paused: boolean): void {
    if (this.#paused === paused) return
    this.#paused = paused
    if (!paused) {
      this.#transport.resume()
      return
    }
    this.#transport.pause()
    const probe = () => {
      if (!this.#paused || this.#closedNow) return
      this.ping().catch(() => {})
      this.#after(PAUSED_PING_MS, probe)
    }
    this.#after(PAUSED_PING_MS, probe)
  }

  // Sending

  #send(state: StreamState, job: SendJob): void {
    if (state.localClosed || this.#closing || this.#closedNow) {
      // Ending a stream that is closed already is fine; writing to it is not.
      job.done(job.chunk.length > 0 ? new SpdyStreamClosedError(`stream ${state.stream.id} is closed`) : null)
      return
    }
    if (!state.accepted) {
      state.parked = job
      return
    }
    while (job.offset < job.chunk.length) {
      if (this.#transport.writableNeedDrain) {
        this.#drainWaiters.push(() => this.#send(state, job))
        return
      }
      const room =
        this.#peerWindowBytes === undefined
          ? MAX_FRAME_BYTES
          : this.#peerWindowBytes + state.grantedBytes - state.sentBytes
      if (room <= 0) {
        state.parked = job
        return
      }
      const piece = job.chunk.subarray(job.offset, job.offset + Math.min(MAX_FRAME_BYTES, room))
      job.offset += piece.length
      state.sentBytes += piece.length
      this.#writeData(state.stream.id, piece, false)
    }
    if (job.fin) {
      this.#writeData(state.stream.id, job.chunk.subarray(job.chunk.length), true)
      this.#localFin(state)
    }
    job.done(null)
  }

  #unpark(state: StreamState): void {
    const job = state.parked
    if (!job) return
    state.parked = undefined
    this.#send(state, job)
  }

  #drain(): void {
    while (this.#drainWaiters.length > 0 && !this.#transport.writableNeedDrain) this.#drainWaiters.shift()!()
  }

  #writeData(streamId: number, data: Buffer, fin: boolean): void {
    this.#moved++
    const header = dataFrameHeader(streamId, data.length, fin)
    if (data.length === 0) {
      this.#transport.write(header)
      return
    }
    this.#transport.cork()
    this.#transport.write(header)
    this.#transport.write(data)
    this.#transport.uncork()
  }

  #control(frame: SpdyControlFrame): void {
    if (this.#closing || this.#closedNow || this.#transport.writableEnded || this.#transport.destroyed) return
    this.#transport.write(this.#encoder.control(frame))
    const allowedBytes = this.#transport.writableHighWaterMark + 2 * MAX_FRAME_BYTES + MAX_UNREAD_CONTROL_BYTES
    if (this.#transport.writableLength > allowedBytes) {
      this.destroy(new SpdyConnectionError('the peer asks for answers but does not read them'))
    }
  }

  // The end of streams and of the connection

  #localFin(state: StreamState): void {
    state.localClosed = true
    if (state.remoteClosed) this.#endState(state)
  }

  #remoteFin(state: StreamState): void {
    if (state.remoteClosed) return
    state.remoteClosed = true
    state.stream.deliverEnd()
    if (state.localClosed) this.#endState(state)
  }

  /** Forgets a stream of which both directions are over. */
  #endState(state: StreamState): void {
    state.localClosed = true
    state.remoteClosed = true
    if (this.#streams.get(state.stream.id) !== state) return
    this.#streams.delete(state.stream.id)
    const job = state.parked
    state.parked = undefined
    job?.done(new SpdyStreamClosedError(`stream ${state.stream.id} is closed`))
    this.#account(state)
    if (this.#goneAway && this.#streams.size === 0) this.close()
  }

  #abandon(state: StreamState): void {
    const open = this.#streams.get(state.stream.id) === state
    if (open) this.#control({ type: 'RST_STREAM', streamId: state.stream.id, status: RST_STATUS.cancel })
    this.#endState(state)
  }

  /** Ends every stream: as an end of file after an orderly goodbye, else as an error where the peer was not done. */
  #failStreams(error: Error | undefined): void {
    for (const state of this.#streams.values()) {
      const finished = state.remoteClosed
      this.#endState(state)
      if (finished || !error) state.stream.deliverReset(new SpdyStreamClosedError('the connection was closed'))
      else state.stream.destroy(error)
    }
  }

  #onTransportEnd(): void {
    if (this.#closing || this.#closedNow) return
    if (this.#goneAway) return this.close()
    // Nothing can come any more, and a peer of this protocol that stops sending has stopped reading.
    this.destroy(new SpdyConnectionError('the peer closed the connection'))
  }

  #onTransportClosed(error: Error | undefined): void {
    if (this.#closedNow) return
    this.#closedNow = true
    const reason = this.#closing
      ? undefined
      : (error ?? (this.#goneAway ? undefined : new SpdyConnectionError('connection lost')))
    for (const timer of this.#timers) timer.cancel()
    this.#timers.clear()
    this.#failStreams(reason)
    const gone = reason ?? new SpdyConnectionError('the connection was closed')
    for (const ping of this.#pings.values()) ping.reject(gone)
    this.#pings.clear()
    for (const waiter of this.#drainWaiters.splice(0)) waiter()
    this.#settleClosed(reason)
  }

  // Time

  #after(delayMs: number, fn: () => void): void {
    if (this.#closedNow) return
    const timer = this.#options.clock.after(delayMs, () => {
      this.#timers.delete(timer)
      fn()
    })
    this.#timers.add(timer)
  }

  #armPing(intervalMs: number): void {
    this.#after(intervalMs, () => {
      this.ping().catch(() => {})
      this.#armPing(intervalMs)
    })
  }
}
