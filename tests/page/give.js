// Paste or drop a picture: kind, base64, name.
const [kind, content, name] = arguments;
const data = new DataTransfer();
const bytes = Uint8Array.from(atob(content), (c) => c.charCodeAt(0));
data.items.add(new File([bytes], name, { type: "image/jpeg" }));
const how = { bubbles: true, cancelable: true };
const event =
  kind === "paste"
    ? new ClipboardEvent("paste", { ...how, clipboardData: data })
    : new DragEvent("drop", { ...how, dataTransfer: data });
document.body.dispatchEvent(event);
