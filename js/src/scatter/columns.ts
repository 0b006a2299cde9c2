/** The data's columns on the GPU: one buffer each, bound to the same places for all programs. */
import type { Scene } from "./scene";

enum At {
  X,
  Y,
  PX,
  PY,
  CODE,
  FLAGS,
}

export type Column = "x" | "y" | "px" | "py" | "codes" | "flags";

export class Columns {
  /** Bytes sent since the start. */
  uploaded = 0;
  private readonly buffers = new Map<Column, WebGLBuffer>();
  private readonly vertices: WebGLVertexArrayObject | null;
  /** Marked points, as indices into the columns. */
  private readonly indices: WebGLBuffer;

  constructor(private readonly gl: WebGL2RenderingContext) {
    this.vertices = gl.createVertexArray();
    this.indices = gl.createBuffer() as WebGLBuffer;
  }

  get gliding(): boolean {
    return this.buffers.has("px");
  }

  upload(name: Column, data: Float32Array | Uint8Array): void {
    const { gl } = this;
    const buffer = this.buffers.get(name) ?? (gl.createBuffer() as WebGLBuffer);
    this.buffers.set(name, buffer);
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.bufferData(gl.ARRAY_BUFFER, data, name === "flags" ? gl.DYNAMIC_DRAW : gl.STATIC_DRAW);
    this.uploaded += data.byteLength;
  }

  drop(...names: Column[]): void {
    for (const name of names) {
      this.gl.deleteBuffer(this.buffers.get(name) ?? null);
      this.buffers.delete(name);
    }
  }

  /** Sends the flags that changed, and the list of marked points. */
  uploadFlags({ flags, marks }: Scene, ranges: readonly [number, number][]): void {
    const { gl } = this;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers.get("flags") ?? null);
    for (const [from, to] of ranges) {
      gl.bufferSubData(gl.ARRAY_BUFFER, from, flags, from, to - from);
      this.uploaded += to - from;
    }
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, this.indices);
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, marks.points, gl.DYNAMIC_DRAW);
    this.uploaded += marks.points.byteLength;
  }

  /** Every step-th point from `first` on. */
  bind(first: number, step: number): void {
    const { gl } = this;
    gl.bindVertexArray(this.vertices);
    const floats: [number, Column][] = [
      [At.X, "x"],
      [At.Y, "y"],
      [At.PX, "px"],
      [At.PY, "py"],
    ];
    for (const [place, name] of floats) {
      this.bindOne(place, name, () => gl.vertexAttribPointer(place, 1, gl.FLOAT, false, 4 * step, 4 * first));
    }
    this.bindOne(At.CODE, "codes", () => gl.vertexAttribPointer(At.CODE, 1, gl.UNSIGNED_BYTE, false, step, first));
    this.bindOne(At.FLAGS, "flags", () => gl.vertexAttribIPointer(At.FLAGS, 1, gl.UNSIGNED_BYTE, step, first));
  }

  /** All points, by the list of those that are marked. */
  bindMarked(): void {
    this.bind(0, 1);
    this.gl.bindBuffer(this.gl.ELEMENT_ARRAY_BUFFER, this.indices);
  }

  private bindOne(place: number, name: Column, point: () => void): void {
    const { gl } = this;
    const buffer = this.buffers.get(name);
    if (buffer === undefined) {
      gl.disableVertexAttribArray(place);
      gl.vertexAttrib4f(place, 0, 0, 0, 1);
      return;
    }
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.enableVertexAttribArray(place);
    point();
  }
}
