/**
 * WebGL2: points straight from the data's own float32 columns.
 *
 * 1. The base layer goes to a picture off screen, so a new sample, which only changes the marks, redraws none of it.
 * 2. More points than a frame has time for are drawn in interleaved shares (every step-th point, then the next ones, by
 *    the attributes' stride, without a copy); until the last share is in, the previous whole picture stays, moved along
 *    with the view. On a fast GPU there is one share and none of this shows.
 * 3. Moved by whole pixels, the last whole picture is kept: only what came into view is drawn, a fifth of the work.
 * 4. Marks are an index list into the same columns: 4 bytes per marked point.
 */
import { type Affine, type ClipView, clipView } from "./camera";
import { Columns } from "./columns";
import { buildProgram, buildTexture, checkProgram, Layer, Pace, type Program } from "./gl";
import { ROLE, UNSEEN } from "./marks";
import type { Rgb } from "./palettes";
import { dimming, type Frame, type Renderer, type Scene } from "./scene";
import { BASE_FRAGMENT, BASE_VERTEX, MARK_FRAGMENT, MARK_VERTEX, SCREEN_FRAGMENT, SCREEN_VERTEX } from "./shaders";
import { type Kept, sharedPart } from "./shared-part";

/** WebGL allows strides up to 255 bytes: 63 float32. */
const MAX_STEP = 63;
/** Outlines of a large selection would hide its colors, and the picks among it. */
const OUTLINED = 500;
/** Shares in one frame at the most, so that a move never waits long. */
const MOST_SHARES = 4;

/** Of what a picture off screen is. */
interface Shown {
  view: Affine;
  clip: ClipView;
  /** All that makes it look as it does but for where it is. */
  manner: string;
}

const NOTHING_KEPT: Kept = [0, 0, 0, 0];
export class WebglRenderer implements Renderer {
  readonly kind = "webgl2";
  drawn = 0;
  private readonly base: Program;
  private readonly screen: Program;
  private readonly mark: Program;
  private readonly table: WebGLTexture;
  private readonly pace: Pace;
  private readonly columns: Columns;
  /** No columns, for the pass that has no points. */
  private readonly nothing: WebGLVertexArrayObject | null;
  private whole: Layer;
  private part: Layer;
  private wholeShown: Shown | null = null;
  private partShown: Shown | null = null;
  private partKey = "";
  private kept = NOTHING_KEPT;
  private share = 0;
  private step = 1;
  private content = 0;
  private baked = false;
  private scene: Scene | null = null;

  private constructor(
    readonly canvas: HTMLCanvasElement,
    private readonly gl: WebGL2RenderingContext,
  ) {
    this.base = buildProgram(gl, BASE_VERTEX, BASE_FRAGMENT);
    this.screen = buildProgram(gl, SCREEN_VERTEX, SCREEN_FRAGMENT);
    this.mark = buildProgram(gl, MARK_VERTEX, MARK_FRAGMENT);
    for (const program of [this.base, this.screen, this.mark]) checkProgram(gl, program);
    this.table = buildTexture(gl, gl.NEAREST);
    this.whole = new Layer(gl);
    this.part = new Layer(gl);
    this.pace = new Pace(gl);
    this.columns = new Columns(gl);
    this.nothing = gl.createVertexArray();
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    gl.disable(gl.DEPTH_TEST);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  }

  /** null where the browser gives no WebGL2. */
  static create(canvas: HTMLCanvasElement): WebglRenderer | null {
    const gl = canvas.getContext("webgl2", { antialias: false, depth: false, stencil: false });
    return gl === null || gl.isContextLost() ? null : new WebglRenderer(canvas, gl);
  }

  get uploaded(): number {
    return this.columns.uploaded;
  }

  busy(): boolean {
    return !this.gl.isContextLost() && this.pace.busy(performance.now());
  }

  setScene(scene: Scene): void {
    this.scene = scene;
    this.columns.upload("x", scene.x);
    this.columns.upload("y", scene.y);
    if (scene.previous !== null) {
      this.columns.upload("px", scene.previous.x);
      this.columns.upload("py", scene.previous.y);
    } else {
      this.glideEnded();
    }
    this.colorsChanged();
    this.columns.upload("flags", scene.flags);
    this.flagsChanged([], true);
  }

  colorsChanged(): void {
    const { gl, scene } = this;
    if (scene === null) return;
    if (scene.codes === null) this.columns.drop("codes");
    else this.columns.upload("codes", scene.codes);
    gl.bindTexture(gl.TEXTURE_2D, this.table);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, 256, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, scene.table);
    this.content++;
  }

  flagsChanged(ranges: readonly [number, number][], visibility: boolean): void {
    const { scene } = this;
    if (scene === null) return;
    this.columns.uploadFlags(scene, ranges);
    if (visibility || this.baked || scene.marks.baked) this.content++;
    this.baked = scene.marks.baked;
  }

  glideEnded(): void {
    this.columns.drop("px", "py");
  }

  draw(frame: Frame, whole = false): boolean {
    const { gl, scene } = this;
    if (scene === null || gl.isContextLost()) return false;
    const now = performance.now();
    const width = Math.round(frame.size.width * frame.ratio);
    const height = Math.round(frame.size.height * frame.ratio);
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
      this.wholeShown = null;
    }
    this.begin(frame, width, height);
    let points = 0;
    const before = this.share;
    // One share first, so that an answer comes soon; then several at a time, so that the picture is whole soon.
    const until = whole ? this.step : Math.min(this.step, before === 0 ? 1 : before + MOST_SHARES);
    while (this.share < until) points += this.drawShare(frame, width, height);
    if (this.share === this.step && this.share > 0) this.finish();
    this.compose(frame, width, height);
    this.drawMarks(frame);
    this.pace.started(points, now, until - before, this.kept !== NOTHING_KEPT);
    return this.share < this.step;
  }

  /** Restarts the base layer when it would look different from the one in progress or done. */
  private begin(frame: Frame, width: number, height: number): void {
    const { gl } = this;
    const { view, previousView, glide, appearance, size } = frame;
    const content = `${this.content} ${glide}`;
    const key = JSON.stringify([content, view, glide < 1 ? previousView : 0, appearance, width, height]);
    if (key === this.partKey) return;
    if (!this.partKey.startsWith(`["${content}"`)) this.wholeShown = null;
    this.partKey = key;
    const manner = JSON.stringify([content, view.sx, view.sy, appearance, width, height]);
    this.partShown = { view, clip: clipView(view, size), manner };
    this.share = 0;
    this.part.bind(width, height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    this.kept = glide < 1 ? NOTHING_KEPT : this.keep(frame, width, height);
    const budget = this.pace.budget(this.kept !== NOTHING_KEPT);
    this.step = Math.min(MAX_STEP, Math.max(1, Math.ceil((this.scene as Scene).x.length / budget)));
  }

  /** Copies what the last whole picture shows of this view, where that is exact and worth while. */
  private keep({ view, appearance, size }: Frame, width: number, height: number): Kept {
    const { gl, wholeShown: last } = this;
    if (last === null || last.manner !== this.partShown?.manner) return NOTHING_KEPT;
    const part = sharedPart(last.view, view, appearance.size, size, [width, height]);
    if (part === null) return NOTHING_KEPT;
    const {
      kept: [x0, y0, x1, y1],
      right,
      up,
    } = part;
    gl.bindFramebuffer(gl.READ_FRAMEBUFFER, this.whole.framebuffer);
    const from = [x0 - right, y0 - up, x1 - right, y1 - up] as const;
    gl.blitFramebuffer(...from, x0, y0, x1, y1, gl.COLOR_BUFFER_BIT, gl.NEAREST);
    return [x0, y0, x1, y1];
  }

  private drawShare(frame: Frame, width: number, height: number): number {
    const { gl, step, share } = this;
    const count = Math.max(0, Math.ceil(((this.scene as Scene).x.length - share) / step));
    this.part.bind(width, height);
    gl.viewport(0, 0, width, height);
    gl.enable(gl.BLEND);
    this.use(this.base, frame, frame.appearance.size * frame.ratio);
    gl.uniform1f(this.base.at("u_opacity"), frame.appearance.opacity);
    const { strength, gray } = dimming(this.baked, frame.theme.dark);
    gl.uniform1f(this.base.at("u_dim"), strength);
    gl.uniform1f(this.base.at("u_gray"), gray);
    gl.uniform4f(this.base.at("u_kept"), ...this.kept);
    gl.uniform2f(this.base.at("u_pixels"), width, height);
    this.columns.bind(share, step);
    if (count > 0) gl.drawArrays(gl.POINTS, 0, count);
    this.share++;
    return count;
  }

  private finish(): void {
    [this.whole, this.part] = [this.part, this.whole];
    this.wholeShown = this.partShown;
    this.share = this.step = 0;
    this.drawn = (this.scene as Scene).marks.visible;
  }

  private compose(frame: Frame, width: number, height: number): void {
    const { gl, screen, wholeShown } = this;
    const here = clipView(frame.view, frame.size);
    const from = wholeShown?.clip ?? here;
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.viewport(0, 0, width, height);
    gl.disable(gl.BLEND);
    gl.useProgram(screen.handle);
    gl.bindVertexArray(this.nothing);
    gl.uniform4f(
      screen.at("u_reproject"),
      from.sx / here.sx,
      from.sy / here.sy,
      (here.cx - from.cx) * from.sx,
      (here.cy - from.cy) * from.sy,
    );
    gl.uniform1i(screen.at("u_hasWhole"), wholeShown === null ? 0 : 1);
    gl.uniform1i(screen.at("u_whole"), 0);
    gl.uniform1i(screen.at("u_part"), 1);
    const { strength, gray } = dimming((this.scene as Scene).marks.highlight && !this.baked, frame.theme.dark);
    gl.uniform1f(screen.at("u_dim"), strength);
    gl.uniform1f(screen.at("u_gray"), gray);
    for (const [unit, layer] of [this.whole, this.part].entries()) {
      gl.activeTexture(gl.TEXTURE0 + unit);
      gl.bindTexture(gl.TEXTURE_2D, layer.texture);
    }
    gl.activeTexture(gl.TEXTURE0);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
    gl.activeTexture(gl.TEXTURE1);
    gl.bindTexture(gl.TEXTURE_2D, null);
    gl.activeTexture(gl.TEXTURE0);
  }

  private drawMarks(frame: Frame): void {
    const { gl, mark, scene } = this;
    if (scene === null) return;
    const first = this.baked ? scene.marks.counts[0] : 0;
    const count = scene.marks.points.length - first;
    if (count === 0) return;
    const { theme, ratio } = frame;
    gl.enable(gl.BLEND);
    this.use(mark, frame, frame.markSize * ratio);
    const color = (name: string, [r, g, b]: Rgb) => gl.uniform3f(mark.at(name), r / 255, g / 255, b / 255);
    color("u_a", theme.a);
    color("u_b", theme.b);
    color("u_selection", theme.selection);
    color("u_foreground", theme.foreground);
    color("u_background", theme.background);
    gl.uniform1i(mark.at("u_colorful"), scene.colorful && !scene.marks.comparing ? 1 : 0);
    gl.uniform1f(mark.at("u_line"), Math.max(1, Math.min(1.6, frame.markSize / 5)) * ratio);
    const { counts } = scene.marks;
    const plain = counts[ROLE.SELECTED] > OUTLINED || counts[ROLE.A] + counts[ROLE.BOTH] > 0;
    gl.uniform1f(mark.at("u_outlined"), plain ? 0 : 0.8);
    const dot = frame.appearance.size;
    const few = plain ? dot : Math.max(dot + 1.5, 5.5);
    gl.uniform1f(mark.at("u_selectedSize"), few * ratio);
    this.columns.bindMarked();
    gl.drawElements(gl.POINTS, count, gl.UNSIGNED_INT, 4 * first);
  }

  private use(program: Program, frame: Frame, size: number): void {
    const { gl } = this;
    const now = clipView(frame.view, frame.size);
    const before = clipView(frame.previousView ?? frame.view, frame.size);
    gl.useProgram(program.handle);
    gl.uniform4f(program.at("u_view"), now.cx, now.cy, now.sx, now.sy);
    gl.uniform4f(program.at("u_previous"), before.cx, before.cy, before.sx, before.sy);
    gl.uniform1f(program.at("u_glide"), this.columns.gliding ? frame.glide : 1);
    gl.uniform1f(program.at("u_size"), size);
    gl.uniform1ui(program.at("u_unseen"), UNSEEN);
    gl.uniform1i(program.at("u_table"), 0);
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, this.table);
  }

  destroy(): void {
    this.pace.forget();
    this.gl.getExtension("WEBGL_lose_context")?.loseContext();
    this.canvas.width = this.canvas.height = 0;
  }
}
