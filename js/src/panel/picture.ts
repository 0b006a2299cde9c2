/** A picture from a file, a drop or the clipboard, made small enough for the wire. */

/** The kernel's model looks at 224 pixels at most. */
const SIDE = 512;
const MOST_BYTES = 2 ** 20;
const MOST_FILE = 100e6;

/** JPEG bytes of the picture, at most 512 pixels a side, upright, on white. Rejects with a sentence. */
export async function smallPicture(file: Blob): Promise<Uint8Array<ArrayBuffer>> {
  if (file.size > MOST_FILE) throw new Error("This file is larger than 100 MB; a smaller picture is enough.");
  const picture = await createImageBitmap(file).catch(() => {
    throw new Error("The browser cannot read this file as a picture. PNG, JPEG and WebP work everywhere.");
  });
  const scale = Math.min(1, SIDE / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("The browser gave no canvas to make the picture smaller on.");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  for (const quality of [0.92, 0.6]) {
    const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/jpeg", quality));
    if (blob !== null && blob.size <= MOST_BYTES) return new Uint8Array(await blob.arrayBuffer());
  }
  throw new Error("The browser could not make this picture small enough.");
}

/** The first file that may be a picture, of a drop or of the clipboard. */
export function pictureIn(data: DataTransfer | null): File | null {
  const files = [...(data?.files ?? [])];
  return files.find((file) => file.type.startsWith("image/")) ?? null;
}

/** Whether what is dragged over could be dropped: the files themselves cannot be seen yet. */
export const bringsFiles = (data: DataTransfer | null): boolean => [...(data?.types ?? [])].includes("Files");
