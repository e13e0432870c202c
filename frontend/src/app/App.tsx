export function App() {
  return <main>SegWeb. Research use only.</main>;
}
