import React, { useEffect, useState } from "react";
import { createRoot } from "react-dom/client";

function Todos() {
  const [todos, setTodos] = useState([]);
  useEffect(() => void fetch("/api").then((answer) => answer.json()).then(setTodos), []);
  return <ul>{todos.map((text) => <li key={text}>{text}</li>)}</ul>;
}

createRoot(document.getElementById("root")).render(<Todos />);
