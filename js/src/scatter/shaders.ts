/** GLSL of the three passes: the base layer, the base layer onto the screen, the marks on top. */

/** Positions: data → clip space, gliding from an earlier place in an earlier view. Drawn only where no UNSEEN flag is set. */
const PLACE = `#version 300 es
precision highp float;
in float a_x, a_y, a_px, a_py, a_code;
in uint a_flags;
uniform vec4 u_view, u_previous;
uniform float u_glide, u_size;
uniform uint u_unseen;
uniform sampler2D u_table;
vec4 place() {
  vec2 here = (vec2(a_x, a_y) - u_view.xy) * u_view.zw;
  vec2 before = (vec2(a_px, a_py) - u_previous.xy) * u_previous.zw;
  return vec4(mix(before, here, u_glide), 0.0, 1.0);
}
const vec4 NOWHERE = vec4(2.0, 2.0, 2.0, 1.0);
`;

export const BASE_VERTEX = `${PLACE}
uniform float u_opacity, u_dim, u_gray;
uniform vec4 u_kept;
uniform vec2 u_pixels;
out vec4 v_color;
void main() {
  gl_PointSize = u_size + 1.0;
  gl_Position = NOWHERE;
  if ((a_flags & u_unseen) != 0u) return;
  vec4 here = place();
  vec2 pixel = (here.xy * 0.5 + 0.5) * u_pixels;
  float reach = u_size * 0.5 + 1.0;
  // Wholly in what is drawn already.
  if (all(greaterThan(pixel - reach, u_kept.xy)) && all(lessThan(pixel + reach, u_kept.zw))) return;
  gl_Position = here;
  vec3 color = texelFetch(u_table, ivec2(int(a_code), 0), 0).rgb;
  float opacity = u_opacity;
  // Faint dots add up where they are crowded, so they step back further than a whole picture would.
  if (u_dim < 1.0) {
    bool chosen = (a_flags & 2u) != 0u;
    opacity = chosen ? min(1.0, opacity * 1.3) : opacity * u_dim * 0.4;
    if (!chosen) color = mix(color, vec3(dot(color, vec3(0.299, 0.587, 0.114))), u_gray);
  }
  v_color = vec4(color * opacity, opacity);
}`;

export const BASE_FRAGMENT = `#version 300 es
precision highp float;
in vec4 v_color;
uniform float u_size;
uniform vec4 u_kept;
out vec4 o_color;
void main() {
  if (all(greaterThan(gl_FragCoord.xy, u_kept.xy)) && all(lessThan(gl_FragCoord.xy, u_kept.zw))) discard;
  vec2 p = (gl_PointCoord - 0.5) * (u_size + 1.0);
  float inside = clamp(u_size * 0.5 + 0.5 - length(p), 0.0, 1.0);
  if (inside <= 0.0) discard;
  o_color = v_color * inside;
}`;

export const SCREEN_VERTEX = `#version 300 es
precision highp float;
uniform vec4 u_reproject;
out vec2 v_whole, v_part;
void main() {
  vec2 corner = vec2(float((gl_VertexID << 1) & 2), float(gl_VertexID & 2)) * 2.0 - 1.0;
  gl_Position = vec4(corner, 0.0, 1.0);
  v_part = corner * 0.5 + 0.5;
  v_whole = (corner * u_reproject.xy + u_reproject.zw) * 0.5 + 0.5;
}`;

/** The last whole picture, moved to where it would be now; where it does not reach, the one in progress. */
export const SCREEN_FRAGMENT = `#version 300 es
precision mediump float;
in vec2 v_whole, v_part;
uniform sampler2D u_whole, u_part;
uniform bool u_hasWhole;
uniform float u_dim, u_gray;
out vec4 o_color;
void main() {
  bool reaches = u_hasWhole && all(greaterThanEqual(v_whole, vec2(0.0))) && all(lessThanEqual(v_whole, vec2(1.0)));
  vec4 color = reaches ? texture(u_whole, v_whole) : texture(u_part, v_part);
  float gray = dot(color.rgb, vec3(0.299, 0.587, 0.114));
  o_color = vec4(mix(color.rgb, vec3(gray), u_gray), color.a) * u_dim;
}`;

/** Roles by number as in marks.ts: 0 selected, 1 preselected, 2 B, 3 A, 4 both, 5 pinned. */
export const MARK_VERTEX = `${PLACE}
uniform vec3 u_a, u_b, u_selection;
uniform bool u_colorful;
uniform float u_selectedSize;
flat out int v_role;
flat out vec3 v_fill;
flat out vec3 v_second;
flat out float v_size;
int roleOf(uint f) {
  if ((f & 32u) != 0u) return 5;
  if ((f & 4u) != 0u) return (f & 8u) != 0u ? 4 : 3;
  if ((f & 8u) != 0u) return 2;
  return (f & 16u) != 0u ? 1 : 0;
}
void main() {
  v_role = roleOf(a_flags);
  v_size = v_role == 0 ? u_selectedSize : v_role == 5 ? u_size * 1.25 : u_size;
  gl_Position = (a_flags & u_unseen) == 0u ? place() : NOWHERE;
  gl_PointSize = v_size * 1.2 + 4.0;
  vec3 own = texelFetch(u_table, ivec2(int(a_code), 0), 0).rgb;
  vec3 role = v_role == 2 ? u_b : v_role == 0 || v_role == 1 ? u_selection : u_a;
  v_fill = u_colorful && v_role != 4 ? own : role;
  v_second = v_role == 4 ? u_b : v_fill;
}`;

/** Disc = A, diamond = B, square in halves = both, ring = preselected, disc with a dot = pinned. */
export const MARK_FRAGMENT = `#version 300 es
precision highp float;
flat in int v_role;
flat in vec3 v_fill;
flat in vec3 v_second;
flat in float v_size;
uniform vec3 u_foreground, u_background;
uniform float u_line, u_outlined;
out vec4 o_color;
void main() {
  vec2 p = (gl_PointCoord - 0.5) * (v_size * 1.2 + 4.0);
  float r = v_size * 0.5;
  float d = v_role == 2 ? (abs(p.x) + abs(p.y)) * 0.70711 - r * 0.84
    : v_role == 4 ? max(abs(p.x), abs(p.y)) - r * 0.86
    : length(p) - r;
  float line = v_role == 0 ? u_line * u_outlined : v_role == 1 ? u_line * 1.4 : u_line;
  float halo = v_role == 0 ? 0.0 : min(1.5, u_line);
  float cover = clamp(0.5 + halo - d, 0.0, 1.0);
  if (cover <= 0.0) discard;
  float body = clamp(0.5 - d, 0.0, 1.0);
  float inner = clamp(0.5 - d - line, 0.0, 1.0);
  vec3 fill = p.x < 0.0 ? v_fill : v_second;
  if (v_role == 5) fill = mix(fill, u_foreground, clamp(r * 0.38 + 0.5 - length(p), 0.0, 1.0));
  float strength = v_role == 1 ? 0.15 : 1.0;
  vec3 edge = v_role == 1 ? v_fill : u_foreground;
  vec4 color = vec4(u_background, 1.0) * cover * 0.85;
  color = mix(color, vec4(edge, 1.0), body);
  color = mix(color, vec4(fill, 1.0) * strength, inner);
  o_color = color;
}`;
