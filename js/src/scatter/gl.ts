/** The few WebGL2 calls that need more than one line. */

export interface Program {
  handle: WebGLProgram;
  at: (uniform: string) => WebGLUniformLocation | null;
}

/** The same places in all programs, so that one vertex array serves them. */
const ATTRIBUTES = ["a_x", "a_y", "a_px", "a_py", "a_code", "a_flags"] as const;

export function buildProgram(gl: WebGL2RenderingContext, vertex: string, fragment: string): Program {
  const handle = gl.createProgram() as WebGLProgram;
  for (const [type, source] of [
    [gl.VERTEX_SHADER, vertex],
    [gl.FRAGMENT_SHADER, fragment],
  ] as const) {
    const shader = gl.createShader(type) as WebGLShader;
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(handle, shader);
    gl.deleteShader(shader);
  }
  ATTRIBUTES.forEach((name, index) => {
    gl.bindAttribLocation(handle, index, name);
  });
  gl.linkProgram(handle);
  const places = new Map<string, WebGLUniformLocation | null>();
  const at = (uniform: string) => {
    if (!places.has(uniform)) places.set(uniform, gl.getUniformLocation(handle, uniform));
    return places.get(uniform) ?? null;
  };
  return { handle, at };
}

/** After all programs were asked for, so that the driver compiles them side by side. */
export function checkProgram(gl: WebGL2RenderingContext, { handle }: Program): void {
  if (gl.getProgramParameter(handle, gl.LINK_STATUS) || gl.isContextLost()) return;
  const logs = (gl.getAttachedShaders(handle) ?? []).map((shader) => gl.getShaderInfoLog(shader)).join(" ");
  throw new Error(`the plot's shaders were refused: ${gl.getProgramInfoLog(handle)} ${logs}`);
}

export function buildTexture(gl: WebGL2RenderingContext, filter: number): WebGLTexture {
  const texture = gl.createTexture() as WebGLTexture;
  gl.bindTexture(gl.TEXTURE_2D, texture);
  for (const name of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, name, filter);
  for (const name of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(gl.TEXTURE_2D, name, gl.CLAMP_TO_EDGE);
  return texture;
}

/** A picture off screen. */
export class Layer {
  readonly texture: WebGLTexture;
  readonly framebuffer: WebGLFramebuffer;
  private width = 0;
  private height = 0;

  constructor(private readonly gl: WebGL2RenderingContext) {
    this.texture = buildTexture(gl, gl.LINEAR);
    this.framebuffer = gl.createFramebuffer() as WebGLFramebuffer;
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.framebuffer);
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, this.texture, 0);
  }

  bind(width: number, height: number): void {
    const { gl } = this;
    if (width !== this.width || height !== this.height) {
      gl.bindTexture(gl.TEXTURE_2D, this.texture);
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, width, height, 0, gl.RGBA, gl.UNSIGNED_BYTE, null);
      this.width = width;
      this.height = height;
    }
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.framebuffer);
  }
}

/**
 * How many points a frame may draw so that the plot answers within `TARGET` ms, learned from fences: a frame is followed
 * by the next only when the GPU is through with it, so no queue builds up on slow machines.
 */
export class Pace {
  private whole = 1 << 18;
  /** For strips, where most points end in the vertex shader; null until one was drawn. */
  private strips: number | null = null;
  private strip = false;
  private fence: WebGLSync | null = null;
  private since = 0;
  private points = 0;
  private shares = 1;

  constructor(private readonly gl: WebGL2RenderingContext) {}

  budget(strip: boolean): number {
    return strip ? (this.strips ?? Math.min(MOST, 4 * this.whole)) : this.whole;
  }

  /** `shares` frames' worth of points were sent at once, for a strip of the picture or for all of it. */
  started(points: number, now: number, shares: number, strip: boolean): void {
    const { gl } = this;
    if (this.fence !== null) gl.deleteSync(this.fence);
    this.fence = gl.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0);
    gl.flush();
    this.points = points;
    this.strip = strip;
    this.shares = Math.max(1, shares);
    this.since = now;
  }

  /** Whether the GPU is still at the last frame; when it is through, the budget follows what it took. */
  busy(now: number): boolean {
    if (this.fence === null) return false;
    const { gl } = this;
    const status = gl.clientWaitSync(this.fence, gl.SYNC_FLUSH_COMMANDS_BIT, 0);
    const spent = now - this.since;
    if (status === gl.TIMEOUT_EXPIRED && spent < GIVE_UP) return true;
    gl.deleteSync(this.fence);
    this.fence = null;
    if (this.points > 0) this.learn(spent / this.shares, this.points / this.shares);
    return false;
  }

  private learn(spent: number, points: number): void {
    const factor = Math.min(4, Math.max(0.25, TARGET / Math.max(spent, 1)));
    const able = Math.min(MOST, Math.max(LEAST, Math.round(points * factor)));
    // Fewer points than allowed that took less time than allowed: nothing says that more would not do.
    if (factor > 1 && able < this.budget(this.strip)) return;
    if (this.strip) this.strips = able;
    else this.whole = able;
  }

  forget(): void {
    this.fence = null;
  }
}

const TARGET = 45;
const GIVE_UP = 3000;
const LEAST = 1 << 15;
const MOST = 1 << 26;
