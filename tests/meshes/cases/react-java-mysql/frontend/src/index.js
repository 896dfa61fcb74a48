import React, { useEffect, useState } from "react";
import { createRoot } from "react-dom/client";

function Greeting() {
  const [greeting, setGreeting] = useState({});
  useEffect(() => void fetch("/api").then((answer) => answer.json()).then(setGreeting), []);
  return <h1>Hello from {greeting.name}</h1>;
}

createRoot(document.getElementById("root")).render(<Greeting />);
